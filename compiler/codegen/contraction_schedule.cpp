// The cost model of contractions. It counts cycles of a core with two multiply-add pipes of four cycles latency and two
// loads a cycle, and adds what is read from beyond the nearest cache. Only differences between candidates matter, so the
// widths between caches are the same for all machines; sizes are the target's.
#include "compiler/codegen/contraction_schedule.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gradc {
namespace {

constexpr double kLatency = 4.5;            // of a multiply-add and what delays it, in cycles
constexpr double kLoad = 0.75;              // cycles of a load
constexpr double kIssue = 5;                // instructions a cycle
// Bytes a cycle beyond what the arithmetic hides; strided: parts of lines, or lines too far apart for prefetchers.
constexpr double kFromL2 = 200, kStridedFromL2 = 70, kFromL3 = 30, kStridedFromL3 = 12;
constexpr int64_t kForeseen = 8;            // lines from one to the next
constexpr double kStridedLine = 4;          // cycles for a line that is waited for, with its page
constexpr double kGatherLoads = 12;         // what a gather of 8 costs, in loads
constexpr double kScatterLoads = 16;
constexpr int64_t kLine = 64;
constexpr int64_t kPackLimit = 256 << 10;   // bytes of a packed operand: it lives on the stack
constexpr int64_t kPackRowsLimit = 160 << 10;
constexpr int64_t kMostGroup = 8;           // row tiles
constexpr double kUneven = 0.05;            // share of the time that a thread waits for another which counts

struct Choice {
  int lane = -1, row = -1, col = -1; // axes; col is lane unless the lanes run along a reduction
  int rows = 1, cols = 1;
  bool rows_outermost = false;
  int64_t block = 0; // column tiles to a packed block
  int64_t group = 1; // row tiles that are packed together
  int pack_cols = -1, pack_rows = -1; // operands
  double cost = 0;

  bool dot() const { return lane != col; }
  bool packed() const { return pack_cols >= 0 || pack_rows >= 0; }
  bool rows_first() const { return rows_outermost || block > 0; } // the loop over column tiles is the inner one
};

class Model {
public:
  Model(const Contraction &c, const Target &t) : c_(c), target_(t), wish_(t.schedule), lanes_(t.lanes(c.element_bytes)) {
    for (int a : c.reduce)
      terms_ *= c.extent(a);
    for (int a : c.parallel)
      outputs_ *= c.extent(a);
  }

  void consider(Choice c) {
    if (!possible(c) || !wished(c))
      return;
    c.cost = cost(c);
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
  void fill_in(NestSchedule &, const Choice &) const;

  void forget_wishes() { wish_ = {}; }

  const std::vector<Choice> &cheapest() const { return cheapest_; } // of each kind

private:
  int64_t stride(size_t operand, int axis) const {
    return axis < 0 ? 0 : c_.operands[operand].flat.coefficients[static_cast<size_t>(axis)];
  }
  bool varies(size_t operand, int axis) const { return stride(operand, axis) != 0; }
  int64_t extent(int axis) const { return axis < 0 ? 1 : c_.extent(axis); }
  int64_t col_points(const Choice &c) const { return c.dot() ? c.cols : int64_t{c.cols} * lanes_; } // of one tile
  Tiling row_tiles(const Choice &c) const { return even_tiles(extent(c.row), c.rows); }
  Tiling col_tiles(const Choice &c) const { return whole_tiles(extent(c.col), col_points(c)); }
  int64_t shortest_reduce_stride(size_t operand) const;
  bool possible(const Choice &c) const {
    const bool serves_beside = c_.beside.empty() || (c_.beside.contains(c.col) && !c_.beside.contains(c.row));
    return serves_beside && (c_.shared_rows < 0 || (c.row == c_.shared_rows && c.rows_outermost && c.block == 0 && c.group == 1));
  }
  bool wished(const Choice &) const;

  double cost(const Choice &) const;
  double tile_cycles(const Choice &, int64_t rows, int64_t cols) const;
  double compute(const Choice &) const;
  double traffic(const Choice &) const;
  double operand_traffic(const Choice &, size_t operand) const;
  double read(double bytes, double footprint, int64_t stride_bytes, double chunk, double at_once = 0) const;
  double packing(const Choice &) const;
  double epilogue(const Choice &) const;
  double unevenness(const Choice &) const;
  void consider_orders(Choice);
  void consider_packing(const Choice &);

  const Contraction &c_;
  const Target &target_;
  ScheduleOverride wish_;
  int lanes_;
  double terms_ = 1, outputs_ = 1;
  std::vector<Choice> cheapest_;
};

bool Model::wished(const Choice &c) const {
  auto fits = [](const auto &wish, auto value) { return !wish || *wish == value; };
  return fits(wish_.rows, c.rows) && fits(wish_.cols, c.cols) && fits(wish_.rows_outermost, c.rows_first()) &&
         (!wish_.block || c.block > 0) && (!wish_.group || c.pack_rows >= 0) && fits(wish_.pack_rows, c.pack_rows >= 0) && fits(wish_.pack_cols, c.pack_cols >= 0);
}

int64_t shortest(int64_t a, int64_t b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); }

int64_t Model::shortest_reduce_stride(size_t operand) const {
  int64_t least = 0;
  for (int a : c_.reduce)
    least = shortest(least, std::abs(stride(operand, a)));
  return least;
}

// Cycles of one step of the reduction of a tile; rows and columns in points and vectors.
double Model::tile_cycles(const Choice &c, int64_t rows, int64_t cols) const {
  double loads = 0;
  for (size_t o = 0; o < c_.operands.size(); ++o) {
    int64_t s = stride(o, c.lane);
    bool packed = static_cast<int>(o) == c.pack_cols;
    bool gathers = !packed && (s != 0 && s != 1);
    if (!c_.operands[o].flat.computed.empty())
      gathers = true;
    double unit = gathers ? kGatherLoads * lanes_ / 8 : 1;
    bool by_col = varies(o, c.col) || (!c.dot() && s != 0);
    loads += unit * (varies(o, c.row) ? static_cast<double>(rows) : 1) * (by_col ? static_cast<double>(cols) : 1);
  }
  double products = static_cast<double>(rows * cols), work = products * (1 + c_.operations);
  return std::max({work / 2, loads * kLoad, (work + loads) / kIssue, kLatency});
}

double Model::compute(const Choice &c) const {
  double steps = c.dot() ? terms_ / static_cast<double>(extent(c.lane)) *
                           static_cast<double>((extent(c.lane) + lanes_ - 1) / lanes_)
                     : terms_;
  const Tiling rows = row_tiles(c), cols = col_tiles(c);
  const int64_t rest_cols = c.dot() ? cols.rest : (cols.rest + lanes_ - 1) / lanes_;
  auto tile = [&](int64_t r, int64_t v) {
    double sums = c.dot() ? static_cast<double>(r * v) * (std::log2(lanes_) * 1.5 + 2) : static_cast<double>(r * v) * 0.5;
    return tile_cycles(c, r, v) * steps + sums + 10;
  };
  double cycles = 0;
  for (auto [r, n] : {std::pair(rows.step, rows.large), {rows.rest, rows.small}})
    for (auto [v, m] : {std::pair<int64_t, int64_t>(c.cols, cols.large), {rest_cols, cols.small}})
      if (n * m > 0)
        cycles += static_cast<double>(n * m) * tile(r, v);
  return cycles * outputs_ / static_cast<double>(extent(c.row) * extent(c.col));
}

// Cycles for `bytes` of a footprint of chunks, `stride_bytes` apart, of which only `at_once` are read before the next. Strides that share a power of two with the number of
// sets leave most of a cache unused. What is a little too large for a cache is mostly in it.
double Model::read(double bytes, double footprint, int64_t stride_bytes, double chunk, double at_once) const {
  auto beyond = [&](int64_t size, int64_t ways) { // share that is not in a cache
    int64_t sets = size / (kLine * ways), apart = std::max<int64_t>(1, stride_bytes / kLine);
    double used = static_cast<double>(sets) / static_cast<double>(std::gcd(sets, apart)) *
                  std::min(static_cast<double>(apart), std::ceil(chunk / kLine));
    double usable = std::min(1.0, used / static_cast<double>(sets)) * static_cast<double>(size);
    return std::clamp(footprint / usable - 0.75, 0.0, 1.0);
  };
  const double piece = at_once > 0 ? at_once : chunk, stride = static_cast<double>(stride_bytes);
  const bool far = stride > kForeseen * kLine && stride > 4 * piece, partly = stride > kLine && piece < kLine;
  const double from_l3 = beyond(target_.l2_bytes, 8), from_l2 = std::max(0.0, beyond(target_.l1_bytes, target_.l1_bytes / 4096) - from_l3);
  return bytes * (from_l2 / (far || partly ? kStridedFromL2 : kFromL2) + from_l3 / (far || partly ? kStridedFromL3 : kFromL3));
}

// Every tile reads its part of each operand over the whole reduction; what the inner loop does not change stays in L1.
double Model::operand_traffic(const Choice &c, size_t o) const {
  bool packed_cols = static_cast<int>(o) == c.pack_cols, packed_rows = static_cast<int>(o) == c.pack_rows;
  const Tiling rows = row_tiles(c), cols = col_tiles(c);
  bool by_row = varies(o, c.row), by_col = varies(o, c.col) || (!c.dot() && varies(o, c.lane));
  double per_term = static_cast<double>((by_row ? c.rows : 1) * (by_col ? col_points(c) : 1) * c_.element_bytes);
  int64_t along = by_row ? stride(o, c.row) : by_col ? stride(o, c.col) : 1;
  int64_t reduce_stride = shortest_reduce_stride(o);
  double tile_bytes = per_term * terms_;
  double chunk = per_term;
  int64_t apart = reduce_stride * c_.element_bytes;
  if (reduce_stride == 1 && along != 1) { // rows of consecutive terms
    chunk = terms_ * c_.element_bytes;
    apart = along * c_.element_bytes;
  } else if (!packed_rows && !packed_cols && along == 1 && apart > kLine) {
    tile_bytes = std::max(tile_bytes, static_cast<double>(kLine) * terms_);
  }
  if (packed_rows || packed_cols)
    apart = 0, chunk = tile_bytes;
  double outer_trips = static_cast<double>(c.rows_first() ? rows.count() : cols.count());
  double inner_trips = static_cast<double>(c.rows_first() ? cols.count() : rows.count());
  bool by_inner = c.rows_first() ? by_col : by_row, by_outer = c.rows_first() ? by_row : by_col;
  double blocks = c.block ? std::ceil(inner_trips / static_cast<double>(c.block)) : 1;
  if (!by_inner) { // one tile's part for all of the inner loop
    double resident = read(tile_bytes, 2 * tile_bytes, apart, chunk) * outer_trips * (inner_trips - 1);
    double whole = tile_bytes * (by_outer ? outer_trips : 1);
    return resident + (by_outer ? read(whole * blocks, whole, apart, chunk) : 0);
  }
  double pass = tile_bytes * inner_trips / blocks; // one walk of the inner loop
  double inner_chunk = by_col && along == 1 && !packed_cols ? chunk * inner_trips : chunk;
  return read(pass * blocks * outer_trips, by_outer ? pass * outer_trips : pass, apart, inner_chunk, chunk);
}

double Model::traffic(const Choice &c) const {
  double cycles = 0;
  for (size_t o = 0; o < c_.operands.size(); ++o)
    cycles += operand_traffic(c, o);
  return cycles * outputs_ / static_cast<double>(extent(c.row) * extent(c.col));
}

// Reading the original is part of it; where lines are far apart, each is waited for.
double Model::packing(const Choice &c) const {
  double cycles = 0, nests = outputs_ / static_cast<double>(extent(c.row) * extent(c.col));
  const Tiling rows = row_tiles(c), tiles = col_tiles(c);
  const double blocks = c.block ? static_cast<double>((tiles.count() + c.block - 1) / c.block) : 1;
  if (c.pack_cols >= 0) {
    double vectors = terms_ * std::ceil(static_cast<double>(extent(c.col)) / lanes_);
    double bytes = vectors * lanes_ * c_.element_bytes;
    bool copies = stride(static_cast<size_t>(c.pack_cols), c.lane) == 1;
    double work = vectors * (copies ? 3 : 4 + std::log2(lanes_)) + read(bytes, bytes, kLine, kLine);
    cycles += work * (blocks == 1 ? 1.25 : 1); // every thread packs a lone block
  }
  if (c.pack_rows >= 0) {
    size_t o = static_cast<size_t>(c.pack_rows);
    double vectors = terms_ * static_cast<double>((c.rows + lanes_ - 1) / lanes_ * rows.count());
    const double groups = std::ceil(static_cast<double>(rows.count()) / static_cast<double>(c.group));
    double lines = terms_ * groups * (1 + static_cast<double>(c.group * c.rows * c_.element_bytes) / kLine);
    int64_t apart = shortest_reduce_stride(o) * c_.element_bytes;
    bool near = read(1, terms_ * kLine, apart, kLine) == 0; // the lines stay from one row tile to the next
    cycles += blocks * (2 * vectors + (near ? lines / 4 : lines) * kStridedLine * (apart < 512 ? 0.5 : 1));
  }
  return cycles * nests;
}

// What is read and written once an element. A tile narrower than a line fetches the line again for the next tile, where
// rows are far enough apart to evict each other.
double Model::epilogue(const Choice &c) const {
  double loads = 0, bytes = 0;
  for (const FlatAccess &a : c_.others) {
    int64_t s = c.col < 0 ? 0 : a.coefficients[static_cast<size_t>(c.col)];
    loads += s == 0 ? 0.5 : s == 1 && a.computed.empty() ? 1 : kScatterLoads * lanes_ / 8;
    bytes += s == 1 ? c_.element_bytes : 0;
  }
  double width = static_cast<double>(col_points(c)) * c_.element_bytes;
  double fetched = bytes * outputs_ * std::max(1.0, kLine / width);
  return loads * outputs_ / std::min<double>(lanes_, static_cast<double>(extent(c.col))) +
         read(fetched, bytes * outputs_, kLine, kLine);
}

void Model::fill_in(NestSchedule &n, const Choice &choice) const {
  n.lane_axis = choice.lane;
  n.lanes = lanes_;
  n.row_axis = choice.row;
  n.rows = choice.rows;
  n.col_axis = choice.col;
  n.cols = choice.cols;
  n.rows_outermost = choice.rows_outermost;
  n.block = choice.block;
  n.group = choice.group;
  n.packed_cols = choice.pack_cols < 0 ? -1 : c_.operands[static_cast<size_t>(choice.pack_cols)].load;
  n.packed_rows = choice.pack_rows < 0 ? -1 : c_.operands[static_cast<size_t>(choice.pack_rows)].load;
}

// By how much two threads take longer than half the time, for the number of iterations that they share out. How many
// threads there are is not known here, and must not decide about bits; two are the least.
double Model::unevenness(const Choice &c) const {
  if (outputs_ != static_cast<double>(extent(c.row) * extent(c.col)))
    return 0; // loops around the tiles are shared out
  NestSchedule nest;
  fill_in(nest, c);
  const int64_t n = partition(loop_levels(nest), *c_.kernel).tiles.count();
  return n % 2 == 1 ? 1 / static_cast<double>(n) : 0;
}

double Model::cost(const Choice &c) const {
  const double cycles = compute(c) + traffic(c) + packing(c) + epilogue(c);
  // Whatever is wished about forks: that changes no bits, and the order of a reduction's terms may depend on this.
  return cycles >= kParallelCycles ? cycles * (1 + kUneven * unevenness(c)) : cycles;
}

// The operand of the columns into contiguous panels, and that of the rows where its terms are far apart.
void Model::consider_packing(const Choice &c) {
  int wide = -1, narrow = -1;
  for (size_t o = 0; o < c_.operands.size(); ++o) {
    if (!c_.operands[o].packable)
      continue;
    if (varies(o, c.lane) && !varies(o, c.row))
      wide = static_cast<int>(o);
    bool terms_apart = shortest_reduce_stride(o) > 1;
    if (!varies(o, c.lane) && stride(o, c.row) == 1 && terms_apart)
      narrow = static_cast<int>(o);
  }
  int64_t terms = static_cast<int64_t>(terms_);
  if (terms == 0)
    return;
  int64_t row_bytes = terms * ((c.rows + lanes_ - 1) / lanes_ * lanes_) * c_.element_bytes;
  auto consider_rows = [&](Choice packed) {
    packed.pack_rows = narrow;
    for (packed.group = wish_.group.value_or(1); narrow >= 0 && packed.group <= wish_.group.value_or(kMostGroup); packed.group *= 2)
      if (packed.group <= row_tiles(c).count() && packed.group * row_bytes <= std::min(kPackRowsLimit, target_.l2_bytes / 3))
        consider(packed);
  };
  Choice by_rows = c;
  by_rows.rows_outermost = true;
  consider_rows(by_rows);
  int64_t tile_bytes = terms * c.cols * lanes_ * c_.element_bytes, tiles = col_tiles(c).count();
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

void Model::consider_orders(Choice c) {
  const int64_t most = std::min<int64_t>(extent(c.row), std::max(1, (target_.vector_registers - 1 - c.cols) / c.cols));
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

void Model::consider_lanes(int lane) {
  int64_t vectors = (extent(lane) + lanes_ - 1) / lanes_;
  for (int row : c_.parallel) {
    bool reuses = std::any_of(c_.operands.begin(), c_.operands.end(), [&](const Contraction::Operand &o) {
      size_t i = static_cast<size_t>(&o - c_.operands.data());
      return !varies(i, row) && varies(i, lane);
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
void Model::consider_dot(int lane) {
  if (c_.parallel.empty())
    consider({.lane = lane});
  for (int col : c_.parallel) {
    int64_t most = c_.in_order.contains(col) ? 1 : std::min<int64_t>(4, extent(col));
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
  Model model(c, target);
  auto consider_all = [&] {
    for (int axis : c.parallel)
      if (!c.in_order.contains(axis))
        model.consider_lanes(axis);
    for (int axis : c.reduce)
      if (c.extent(axis) > 0)
        model.consider_dot(axis);
  };
  consider_all();
  if (model.cheapest().empty()) {
    model.forget_wishes();
    consider_all();
  }
  if (model.cheapest().empty())
    return;
  const std::vector<Choice> &kinds = model.cheapest();
  const Choice &best = *std::min_element(kinds.begin(), kinds.end(),
                                         [](const Choice &a, const Choice &b) { return a.cost < b.cost; });
  model.fill_in(n, best);
  for (const Choice &o : kinds)
    n.candidates.push_back({o.lane, o.dot(), o.packed(), o.cost, &o == &best});
}

} // namespace gradc
