#include "ir/lowering/footprints.h"

#include "ir/lowering/namings.h"
#include "ir/lowering/nests.h"

#include <algorithm>

namespace gradc {
namespace {

constexpr int64_t kFootprintBytes = 128 << 10; // half of the smallest second cache, of 256 KiB
constexpr int64_t kMostBytes = 2 << 20;        // what is larger stays where it is, and is read with padding
constexpr int64_t kIterations = 8;             // of the outer loops, so that threads share them out evenly

class Footprints {
public:
  explicit Footprints(Kernel &k) : k_(k), factors_(padded_factors()) {}

  void run() {
    if (factors_.empty())
      return;
    choose_outer();
    if (outer_.empty() || bytes() > kMostBytes)
      return;
    for (size_t s = 0; s < k_.stages.size(); ++s)
      for (size_t n = 0; n < 2; ++n)
        if (sums_products(k_, k_.stages[s]))
          if (const ExprId factor = k_.expr(k_.stages[s].body).args[n]; is_padded(factor))
            copy(s++, n, factor); // the sum moves up by one
    for (size_t s = 0; s < k_.stages.size(); ++s)
      k_.stages[s].name = "s" + std::to_string(s);
  }

private:
  bool is_padded(ExprId id) const {
    const Expr &e = k_.expr(id);
    return e.kind == Expr::Kind::load && e.padded &&
           std::all_of(e.index.begin(), e.index.end(), [](const IndexExpr &i) { return i.is_affine(); });
  }

  std::vector<ExprId> padded_factors() const {
    std::vector<ExprId> factors;
    for (const Stage &stage : k_.stages)
      if (sums_products(k_, stage))
        for (ExprId factor : k_.expr(stage.body).args)
          if (is_padded(factor))
            factors.push_back(factor);
    return factors;
  }

  int64_t extent(int axis) const { return k_.axes[static_cast<size_t>(axis)].extent; }
  bool is_outer(int axis) const { return std::find(outer_.begin(), outer_.end(), axis) != outer_.end(); }

  // The part of an index that varies within an iteration of the outer loops: from `low` on, over so many elements.
  struct Reach {
    int64_t low, elements;
  };
  Reach reach(const IndexExpr &index) const {
    Reach r{0, 1};
    for (const IndexTerm &t : index.terms)
      if (!is_outer(t.id)) {
        const int64_t last = checked_multiply(t.coefficient, extent(t.id) - 1);
        r.low = checked_add(r.low, std::min<int64_t>(last, 0));
        r.elements = checked_add(r.elements, std::abs(last));
      }
    return r;
  }

  int64_t bytes() const {
    int64_t sum = 0;
    for (ExprId factor : factors_) {
      int64_t product = size_of(k_.expr(factor).dtype);
      for (const IndexExpr &index : k_.expr(factor).index)
        product = checked_multiply(product, reach(index).elements);
      sum = checked_add(sum, product);
    }
    return sum;
  }

  int64_t iterations() const {
    int64_t product = 1;
    for (int axis : outer_)
      product = checked_multiply(product, extent(axis));
    return product;
  }

  // The axes that all stages begin with and that stand alone in the indices of the factors; then, if need be, a part of the next
  // that the factors are read along.
  void choose_outer() {
    const std::vector<int> shared = k_.shared_axes();
    size_t next = 0;
    for (; next < shared.size() && stands_alone(shared[next]); ++next)
      outer_.push_back(shared[next]);
    while (next < shared.size() && !is_read_along(shared[next]))
      ++next;
    if (next == shared.size() || (!outer_.empty() && bytes() <= kFootprintBytes && iterations() >= kIterations))
      return;
    const int axis = shared[next];
    for (const Stage &stage : k_.stages)
      if (stage.combiner == Combiner::argmax)
        return; // its positions would be those of a part of the axis
    // The footprint of the whole axis, and that of a single point: one of a part lies between them.
    const int64_t whole = bytes();
    outer_.push_back(axis);
    const int64_t least = bytes();
    outer_.pop_back();
    for (int64_t part = extent(axis) - 1; part > 0; --part)
      if (extent(axis) % part == 0) {
        const int64_t parts = extent(axis) / part;
        const bool fits = least + (whole - least) / parts <= kFootprintBytes;
        if (part > 1 && !(fits && iterations() * parts >= kIterations))
          continue;
        outer_.push_back(part == 1 ? to_front(axis) : split(axis, part));
        return;
      }
  }

  // Whether each factor has an index that is this axis, and no other index that it is a part of.
  bool stands_alone(int axis) const {
    return std::all_of(factors_.begin(), factors_.end(), [&](ExprId factor) {
      const Index &index = k_.expr(factor).index;
      const auto reads = [&](const IndexExpr &i) { return i.coefficient_of(axis) != 0; };
      const auto is = [&](const IndexExpr &i) { return i.plain_axis() == axis; };
      return std::any_of(index.begin(), index.end(), is) &&
             std::all_of(index.begin(), index.end(), [&](const IndexExpr &i) { return !reads(i) || is(i); });
    });
  }

  bool is_read_along(int axis) const {
    return std::any_of(factors_.begin(), factors_.end(), [&](ExprId factor) {
      const Index &index = k_.expr(factor).index;
      return std::any_of(index.begin(), index.end(), [&](const IndexExpr &i) { return i.coefficient_of(axis) != 0; });
    });
  }

  // Moves an axis behind the outer ones, in all stages.
  int to_front(int axis) {
    const auto place = static_cast<std::ptrdiff_t>(outer_.size());
    for (Expr &e : k_.exprs)
      if (e.kind == Expr::Kind::stage)
        for (size_t i = 0; i < e.index.size(); ++i)
          if (e.index[i].plain_axis() == axis)
            std::rotate(e.index.begin() + place, e.index.begin() + static_cast<std::ptrdiff_t>(i), e.index.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    for (Stage &stage : k_.stages)
      if (const auto at = std::find(stage.axes.begin(), stage.axes.end(), axis); at != stage.axes.end())
        std::rotate(stage.axes.begin() + place, at, at + 1);
    k_.hashes.clear();
    return axis;
  }

  // Cuts an axis into itself, of `part` points from now on, and an outer one behind the outer ones, which is returned.
  int split(int axis, int64_t part) {
    const int outer = static_cast<int>(k_.axes.size());
    k_.axes.push_back({k_.axes[static_cast<size_t>(axis)].name + "o", extent(axis) / part});
    k_.axes[static_cast<size_t>(axis)].extent = part;
    auto extend = [&](IndexExpr &index) {
      if (const int64_t c = index.coefficient_of(axis); c != 0)
        index = index + IndexExpr::axis(outer) * checked_multiply(c, part);
    };
    for (Expr &e : k_.exprs) {
      if (e.kind == Expr::Kind::stage) // each entry is an axis of the stage
        for (size_t i = 0; i < e.index.size(); ++i)
          if (e.index[i].plain_axis() == axis) {
            e.index.insert(e.index.begin() + static_cast<std::ptrdiff_t>(i), IndexExpr::axis(outer));
            break;
          }
      if (e.kind != Expr::Kind::stage)
        std::for_each(e.index.begin(), e.index.end(), extend);
    }
    for (Stage &stage : k_.stages) {
      std::for_each(stage.store_index.begin(), stage.store_index.end(), extend);
      for (std::vector<int> *axes : {&stage.axes, &stage.reduce})
        if (auto at = std::find(axes->begin(), axes->end(), axis); at != axes->end())
          axes->insert(at, outer);
    }
    return to_front(outer);
  }

  // Inserts the footprint of a factor of stage `s` before it.
  void copy(size_t s, size_t number, ExprId factor) {
    const Expr load = k_.expr(factor);
    Shape shape;
    std::vector<Reach> reaches;
    for (const IndexExpr &index : load.index) {
      reaches.push_back(reach(index));
      shape.push_back(reaches.back().elements);
    }
    const Index inside = namings(k_, shape, {outer_.begin(), outer_.end()}).front();
    Stage stage;
    stage.dtype = load.dtype;
    stage.axes = outer_;
    Expr read = load, ref{.kind = Expr::Kind::stage, .dtype = load.dtype, .target = static_cast<int32_t>(s)};
    for (int axis : outer_)
      ref.index.push_back(IndexExpr::axis(axis));
    for (size_t d = 0; d < shape.size(); ++d) {
      IndexExpr outer = IndexExpr::constant(load.index[d].offset), inner = IndexExpr::constant(-reaches[d].low);
      for (const IndexTerm &t : load.index[d].terms)
        (is_outer(t.id) ? outer : inner) = (is_outer(t.id) ? outer : inner) + IndexExpr::axis(t.id) * t.coefficient;
      read.index[d] = outer + inside[d] + reaches[d].low;
      if (shape[d] == 1)
        continue;
      stage.axes.push_back(inside[d].plain_axis());
      ref.index.push_back(inner);
    }
    for (Expr &e : k_.exprs) // later stages move up by one
      if (e.kind == Expr::Kind::stage && e.target >= static_cast<int32_t>(s))
        ++e.target;
    k_.hashes.clear();
    stage.body = k_.intern(read);
    k_.stages.insert(k_.stages.begin() + static_cast<std::ptrdiff_t>(s), stage);
    Stage &sum = k_.stages[s + 1];
    Expr product = k_.expr(sum.body);
    product.args[number] = k_.intern(ref);
    sum.body = k_.intern(product);
  }

  Kernel &k_;
  const std::vector<ExprId> factors_; // that are read with padding, before any footprint is made
  std::vector<int> outer_;            // the axes of the outer loops
};

} // namespace

void add_footprints(Kernel &kernel) { Footprints(kernel).run(); }

} // namespace gradc
