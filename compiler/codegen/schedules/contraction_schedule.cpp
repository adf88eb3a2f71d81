// The search for the cheapest way to run a contraction.
#include "compiler/codegen/schedules/contraction_cost.h"

#include <algorithm>

namespace gradc {
namespace {

constexpr int64_t kPackLimit = 256 << 10;   // bytes of a packed operand: it lives on the stack
constexpr int64_t kPackRowsLimit = 160 << 10;
constexpr int64_t kMostGroup = 8;           // row tiles

using Choice = ContractionChoice;

class Search {
public:
  Search(const Contraction &c, const Target &t)
      : c_(c), target_(t), cost_(c, t), wish_(t.schedule), lanes_(t.lanes(c.element_bytes)) {}

  void consider(Choice c) {
    if (!possible(c) || !wished(c))
      return;
    c.cycles = cost_.cycles(c);
    c.cost = c.cycles + cost_.drawbacks(c, c.cycles);
    auto same_kind = std::find_if(cheapest_.begin(), cheapest_.end(), [&](const Choice &o) {
      return o.lane == c.lane && o.packed() == c.packed();
    });
    if (same_kind == cheapest_.end())
      cheapest_.push_back(c);
    else if (c.cost < same_kind->cost)
      *same_kind = c;
  }
  void consider_lanes(int lane);
  void consider_dot(int lane);

  void forget_wishes() { wish_ = {}; }

  const std::vector<Choice> &cheapest() const { return cheapest_; } // of each kind

private:
  bool possible(const Choice &c) const {
    const bool serves_beside = c_.beside.empty() || (c_.beside.contains(c.col) && !c_.beside.contains(c.row));
    return serves_beside && (c_.shared_rows < 0 || (c.row == c_.shared_rows && c.rows_outermost && c.block == 0 && c.group == 1));
  }
  bool wished(const Choice &) const;
  void consider_orders(Choice);
  void consider_packing(const Choice &);

  const Contraction &c_;
  const Target &target_;
  const ContractionCost cost_;
  ScheduleOverride wish_;
  int lanes_;
  std::vector<Choice> cheapest_;
};

bool Search::wished(const Choice &c) const {
  auto fits = [](const auto &wish, auto value) { return !wish || *wish == value; };
  return fits(wish_.rows, c.rows) && fits(wish_.cols, c.cols) && fits(wish_.rows_outermost, c.rows_first()) &&
         (!wish_.block || c.block > 0) && (!wish_.group || c.pack_rows >= 0) && fits(wish_.pack_rows, c.pack_rows >= 0) && fits(wish_.pack_cols, c.pack_cols >= 0);
}

// The operand of the columns into contiguous panels, and that of the rows where its terms are far apart.
void Search::consider_packing(const Choice &c) {
  int wide = -1, narrow = -1;
  for (size_t o = 0; o < c_.operands.size(); ++o) {
    if (!c_.operands[o].packable)
      continue;
    if (cost_.varies(o, c.lane) && !cost_.varies(o, c.row))
      wide = static_cast<int>(o);
    bool terms_apart = cost_.shortest_reduce_stride(o) > 1;
    if (!cost_.varies(o, c.lane) && cost_.stride(o, c.row) == 1 && terms_apart)
      narrow = static_cast<int>(o);
  }
  const int64_t terms = cost_.terms();
  if (terms == 0)
    return;
  int64_t row_bytes = terms * ((c.rows + lanes_ - 1) / lanes_ * lanes_) * c_.element_bytes;
  auto consider_rows = [&](Choice packed) {
    packed.pack_rows = narrow;
    for (packed.group = wish_.group.value_or(1); narrow >= 0 && packed.group <= wish_.group.value_or(kMostGroup); packed.group *= 2)
      if (packed.group <= cost_.row_tiles(c).count() && packed.group * row_bytes <= std::min(kPackRowsLimit, target_.l2_bytes / 3))
        consider(packed);
  };
  Choice by_rows = c;
  by_rows.rows_outermost = true;
  consider_rows(by_rows);
  int64_t tile_bytes = terms * c.cols * lanes_ * c_.element_bytes, tiles = cost_.col_tiles(c).count();
  int64_t most = std::min(kPackLimit, target_.l2_bytes / 2) / std::max<int64_t>(1, tile_bytes);
  if (wide < 0 || most < 1)
    return;
  std::set<int64_t> sizes{std::min(most, tiles)};
  for (int64_t blocks : {4, 8}) // threads share out blocks
    if (tiles >= blocks)
      sizes.insert(std::min(most, (tiles + blocks - 1) / blocks));
  if (wish_.block)
    sizes = {std::min<int64_t>(most, *wish_.block)};
  for (int64_t size : sizes) {
    Choice packed = c;
    packed.rows_outermost = false;
    packed.pack_cols = wide;
    packed.block = size;
    consider(packed);
    consider_rows(packed);
  }
}

void Search::consider_orders(Choice c) {
  const int sums = c.cols * (c_.fixed && c.dot() ? cost_.chains(c, 1) : 1); // that a row of the tile keeps in registers
  const int64_t most = std::min<int64_t>(cost_.extent(c.row), std::max(1, (target_.vector_registers - 1 - c.cols) / sums));
  for (int64_t rows = most; rows >= std::max<int64_t>(1, most / 2); --rows) {
    c.rows = static_cast<int>(rows);
    for (bool outermost : {false, true}) {
      c.rows_outermost = outermost;
      consider(c);
    }
    c.rows_outermost = false;
    if (!c.dot())
      consider_packing(c);
  }
}

void Search::consider_lanes(int lane) {
  int64_t vectors = (cost_.extent(lane) + lanes_ - 1) / lanes_;
  for (int row : c_.parallel) {
    bool reuses = std::any_of(c_.operands.begin(), c_.operands.end(), [&](const Contraction::Operand &o) {
      size_t i = static_cast<size_t>(&o - c_.operands.data());
      return !cost_.varies(i, row) && cost_.varies(i, lane);
    });
    if (row == lane || !reuses)
      continue;
    for (int cols = 1; cols <= std::min<int64_t>(4, vectors); ++cols)
      consider_orders({.lane = lane, .row = row, .col = lane, .cols = cols});
  }
  for (int cols = 1; cols <= std::min<int64_t>(target_.vector_registers - 4, vectors); cols = cols < 4 ? cols + 1 : cols + 4)
    consider({.lane = lane, .row = -1, .col = lane, .rows = 1, .cols = cols});
}

// Lanes along a reduction: one sum over them for each output at the end.
void Search::consider_dot(int lane) {
  if (c_.parallel.empty())
    consider({.lane = lane});
  for (int col : c_.parallel) {
    int64_t most = c_.in_order.contains(col) ? 1 : std::min<int64_t>(4, cost_.extent(col));
    for (int cols = 1; cols <= most; ++cols) {
      consider({.lane = lane, .row = -1, .col = col, .rows = 1, .cols = cols});
      for (int row : c_.parallel)
        if (row != col)
          consider_orders({.lane = lane, .row = row, .col = col, .cols = cols});
    }
  }
}

} // namespace

void schedule_contraction(NestSchedule &n, const Contraction &c, const Target &target) {
  Search search(c, target);
  auto consider_lanes = [&] {
    for (int axis : c.parallel)
      if (!c.in_order.contains(axis))
        search.consider_lanes(axis);
  };
  auto consider_dots = [&] {
    for (int axis : c.reduce)
      if (c.extent(axis) > 0 && (!c.fixed || (c.fixed->partials > 1 && c.fixed->axis == axis)))
        search.consider_dot(axis);
  };
  // Partial sums take a register each, but for those of a dot product, which are lanes of one.
  auto consider_all = [&] {
    consider_dots();
    if (!c.fixed || c.fixed->partials == 1 || search.cheapest().empty())
      consider_lanes();
  };
  consider_all();
  if (search.cheapest().empty()) {
    search.forget_wishes();
    consider_all();
  }
  if (search.cheapest().empty())
    return;
  const std::vector<Choice> &kinds = search.cheapest();
  const Choice &best = *std::min_element(kinds.begin(), kinds.end(),
                                         [](const Choice &a, const Choice &b) { return a.cost < b.cost; });
  fill_in(best, c, target, n);
  for (const Choice &o : kinds)
    n.candidates.push_back({o.lane, o.dot(), o.packed(), o.cost, o.cycles, &o == &best});
}

} // namespace gradc
