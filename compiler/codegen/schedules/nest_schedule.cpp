// The schedule of one loop nest.
#include "compiler/codegen/schedules/loop_schedule.h"

#include "compiler/codegen/schedules/contraction_schedule.h"

#include <algorithm>
#include <functional>

namespace gradc {
namespace {

constexpr double kGatherCost = 24; // how many loads a gather of one vector costs
constexpr double kEverySecondCost = 3; // the same of elements two apart, which two loads and a shuffle bring
constexpr double kInstructionsPerCycle = 3;
constexpr int kExpensiveOps = 12;  // how many instructions a function like exp counts as
constexpr double kReduceCost = 10; // how many instructions it takes to sum the lanes of one vector

struct Access {
  FlatAccess flat;
  bool store = false;
  bool reducing = false; // inside a reduction loop
  std::set<int> computed_axes;
};

class Scheduler {
public:
  /// For the stages [first, first + count), inside the loops that `outer` shares among nests.
  Scheduler(const Kernel &k, const Target &t, int first, int count, const LoopSchedule &outer)
      : k_(k), target_(t), axes_(k), first_(first), count_(count), outer_(outer),
        nest_(nest_axes(k, static_cast<size_t>(first), static_cast<size_t>(count))) {
    collect();
  }

  NestSchedule nest();

private:
  int64_t extent(int axis) const { return axis == rows_ ? outer_.shared_rows : k_.axes[static_cast<size_t>(axis)].extent; }
  void survey(ExprId id, bool reducing, std::set<ExprId> &seen);
  bool has_neighbour(const Access &) const;
  double access_cost(const Access &a, int lane_axis, bool along_reduction) const;
  double outer_cost(int lane_axis) const;
  double dot_cost(int lane_axis) const;
  bool elsewhere(const Expr &e) const { // whether it reads a value that another nest computed
    return e.kind == Expr::Kind::stage && (e.target < first_ || e.target >= first_ + count_);
  }
  FlatAccess read_handed_over(const Expr &) const;
  void collect();
  void choose_lanes(NestSchedule &n);
  void choose_cols(NestSchedule &n) const;
  bool lanes_may_share(const Stage &, int axis) const;
  const Stage *product() const;
  bool tiles_shared_rows(const Stage &product);
  Contraction contraction(const Stage &);

  const Kernel &k_;
  const Target &target_;
  AxisSets axes_;
  const int first_, count_;
  const LoopSchedule &outer_;
  std::vector<Access> accesses_;
  const std::vector<int> nest_; // the axes of the nest, those of shared loops included
  std::vector<int> parallel_, reduce_;
  std::set<int> beside_; // the axes of stages that stand beside a product
  int rows_ = -1; // the last shared axis, where an iteration of its loop leaves several points to this nest; else -1
  std::set<int> scattered_; // axes along which points must run in order
  int lanes_ = 1, ops_ = 0, reductions_ = 0, element_bytes_ = 8;
};

void Scheduler::survey(ExprId id, bool reducing, std::set<ExprId> &seen) {
  if (!seen.insert(id).second)
    return;
  const Expr &e = k_.expr(id);
  if (e.kind == Expr::Kind::load) {
    Access a{flatten(k_, e), false, reducing, {}};
    for (auto [c, expr] : a.flat.computed)
      a.computed_axes.merge(std::set<int>(axes_.of(expr)));
    accesses_.push_back(std::move(a));
  }
  if (elsewhere(e))
    accesses_.push_back({read_handed_over(e), false, reducing, {}});
  if (e.kind == Expr::Kind::op)
    ops_ += is_expensive(e.op) ? kExpensiveOps : 1;
  for (ExprId arg : e.args)
    survey(arg, reducing, seen);
  for (const IndexExpr &index : e.index)
    for (const IndexTerm &t : index.terms)
      if (!t.is_axis)
        survey(t.id, reducing, seen);
}

FlatAccess Scheduler::read_handed_over(const Expr &e) const {
  const Stage &stage = k_.stages[static_cast<size_t>(e.target)];
  const HandedOver layout = handed_over_layout(k_, stage, outer_);
  FlatAccess flat{0, std::vector<int64_t>(k_.axes.size(), 0), {}};
  for (size_t i = 0; i < stage.axes.size(); ++i)
    for (const IndexTerm &t : e.index[i].terms)
      flat.coefficients[static_cast<size_t>(t.id)] += t.coefficient * layout.strides[static_cast<size_t>(stage.axes[i])];
  return flat;
}

// Whether another store fills the gaps of one whose elements are two apart.
bool Scheduler::has_neighbour(const Access &a) const {
  return std::any_of(accesses_.begin(), accesses_.end(), [&](const Access &other) {
    return other.store && other.flat.coefficients == a.flat.coefficients && std::abs(other.flat.offset - a.flat.offset) == 1;
  });
}

double Scheduler::access_cost(const Access &a, int lane_axis, bool along_reduction) const {
  int64_t stride = a.flat.coefficients[static_cast<size_t>(lane_axis)];
  if (a.computed_axes.contains(lane_axis))
    return kGatherCost;
  if (along_reduction && a.store)
    return 1;
  if (stride == 2 && lanes_ >= 8 && a.flat.computed.empty() && (!a.store || has_neighbour(a)))
    return kEverySecondCost;
  return stride == 0 ? 0.5 : stride == 1 ? 1 : kGatherCost;
}

// Cycles of the nest with the lanes along a parallel axis, estimated from the number of vector instructions.
double Scheduler::outer_cost(int lane_axis) const {
  double vectors = static_cast<double>((extent(lane_axis) + lanes_ - 1) / lanes_);
  double other = 1, inner = 1, cost = 0;
  for (int a : parallel_)
    other *= a == lane_axis ? 1 : static_cast<double>(extent(a));
  for (int a : reduce_)
    inner *= static_cast<double>(extent(a));
  for (const Access &a : accesses_)
    cost += access_cost(a, lane_axis, false) * (a.reducing ? inner : 1);
  return vectors * other * (cost + ops_ * inner) / kInstructionsPerCycle;
}

double Scheduler::dot_cost(int lane_axis) const {
  double vectors = static_cast<double>((extent(lane_axis) + lanes_ - 1) / lanes_);
  double outputs = 1, inner = 1, cost = 0;
  for (int a : parallel_)
    outputs *= static_cast<double>(extent(a));
  for (int a : reduce_)
    inner *= a == lane_axis ? 1 : static_cast<double>(extent(a));
  for (const Access &a : accesses_)
    if (a.reducing)
      cost += access_cost(a, lane_axis, true);
  return outputs * (vectors * inner * (cost + ops_) + kReduceCost) / kInstructionsPerCycle;
}

void Scheduler::collect() {
  std::set<ExprId> plain, reducing;
  std::set<int> reduce_axes;
  for (int s = first_; s < first_ + count_; ++s) {
    const Stage &stage = k_.stages[static_cast<size_t>(s)];
    if (stage.axes != nest_) { // a stage beside a product: it costs little and follows the tiles chosen for the product
      beside_.insert(stage.axes.begin(), stage.axes.end());
      continue;
    }
    bool reduces = !stage.reduce.empty();
    reductions_ += reduces;
    reduce_axes.insert(stage.reduce.begin(), stage.reduce.end());
    survey(stage.body, reduces, reduces ? reducing : plain);
    for (ExprId id : expressions_of(k_, stage))
      if (const DType dtype = k_.expr(id).dtype; dtype == DType::f32 || dtype == DType::i32)
        element_bytes_ = 4;
    if (stage.store < 0)
      continue;
    Access a{flatten(k_, k_.params[static_cast<size_t>(stage.store)].type.shape, stage.store_index), true, false, {}};
    for (auto [c, expr] : a.flat.computed)
      a.computed_axes.merge(std::set<int>(axes_.of(expr)));
    if (stage.accumulate)
      for (int axis : stage.axes)
        if (a.computed_axes.contains(axis) || a.flat.coefficients[static_cast<size_t>(axis)] == 0)
          scattered_.insert(axis);
    accesses_.push_back(std::move(a));
  }
  if (const Stage *sum = product()) // the sums fill the registers: in f64, beside random bits of i32, twice as many as those
    element_bytes_ = static_cast<int>(size_of(sum->dtype));
  lanes_ = target_.lanes(element_bytes_);
  reduce_.assign(reduce_axes.begin(), reduce_axes.end());
  for (int axis : nest_)
    if (std::find(outer_.shared.begin(), outer_.shared.end(), axis) == outer_.shared.end())
      parallel_.push_back(axis);
}

// Whether the lanes of a vector may lie along `axis`, so that they share each reduction of the stage.
bool Scheduler::lanes_may_share(const Stage &stage, int axis) const {
  if (std::find(stage.reduce.begin(), stage.reduce.end(), axis) == stage.reduce.end())
    return false;
  if (stage.combiner == Combiner::argmax && axis != stage.reduce.back())
    return false; // the points of a lane must come in their order
  if (outer_.sums == SumOrder::fast)
    return true;
  const FixedSum sum = fixed_sum(k_, stage);
  return sum.partials == 0 || (sum.partials > 1 && sum.axis == axis);
}

void Scheduler::choose_lanes(NestSchedule &n) {
  int best = -1;
  auto consider = [&](int axis, bool dot, double cost) {
    n.candidates.push_back({axis, dot, false, cost, cost, false});
    const double least = best < 0 ? cost : n.candidates[static_cast<size_t>(best)].cost;
    if (best < 0 || cost < least || (!dot && cost == least)) // on a tie the last parallel axis wins: it is contiguous most often
      best = static_cast<int>(n.candidates.size()) - 1;
  };
  for (int axis : parallel_)
    if (!scattered_.contains(axis) && axis != rows_)
      consider(axis, false, outer_cost(axis));
  for (int axis : reduce_) {
    bool all_reduce = reductions_ == n.count || reductions_ == 1; // and, below, every reduction runs over this axis
    for (int s = n.first; s < n.first + n.count; ++s) {
      const Stage &stage = k_.stages[static_cast<size_t>(s)];
      all_reduce &= stage.reduce.empty() || lanes_may_share(stage, axis);
    }
    if (all_reduce)
      consider(axis, true, dot_cost(axis));
  }
  if (best < 0)
    return;
  NestSchedule::Candidate &winner = n.candidates[static_cast<size_t>(best)];
  winner.taken = true;
  n.lane_axis = winner.lane_axis;
  n.lanes = lanes_;
  n.col_axis = !winner.dot ? winner.lane_axis : parallel_.empty() ? -1 : parallel_.back();
  if (n.col_axis >= 0)
    choose_cols(n);
}

void Scheduler::choose_cols(NestSchedule &n) const {
  bool argmax = std::any_of(k_.stages.begin() + n.first, k_.stages.begin() + n.first + n.count,
                            [](const Stage &s) { return s.combiner == Combiner::argmax; });
  if (n.is_dot()) {
    // Several sums side by side hide the latency of an addition, but the code grows with each; too much for an argmax.
    const bool alone = argmax || scattered_.contains(n.col_axis);
    n.cols = static_cast<int>(alone                 ? 1
                              : n.col_axis == rows_ ? even_tiles(extent(rows_), 8).step
                                                    : std::min<int64_t>(4, extent(n.col_axis)));
  } else {
    n.cols = static_cast<int>(std::min<int64_t>((extent(n.col_axis) + n.lanes - 1) / n.lanes, reduce_.empty() ? 2 : 4));
  }
}

Contraction Scheduler::contraction(const Stage &stage) {
  Contraction c{.kernel = &k_, .parallel = parallel_, .reduce = reduce_, .in_order = scattered_, .beside = beside_,
                .element_bytes = element_bytes_, .operations = -1, .operands = {}, .others = {}, .fixed = {}};
  if (outer_.sums == SumOrder::fixed)
    c.fixed = fixed_sum(k_, stage);
  if (tiles_shared_rows(stage)) {
    c.shared_rows = outer_.shared.back();
    c.parallel.push_back(c.shared_rows);
  }
  std::set<ExprId> seen;
  std::function<void(ExprId)> visit = [&](ExprId id) {
    if (!seen.insert(id).second)
      return;
    const Expr &e = k_.expr(id);
    c.operations += e.kind == Expr::Kind::op;
    if (e.kind == Expr::Kind::load) {
      FlatAccess flat = flatten(k_, e);
      bool plain = !e.padded && flat.computed.empty() && size_of(e.dtype) == element_bytes_;
      c.operands.push_back({id, std::move(flat), plain});
    }
    if (elsewhere(e))
      c.operands.push_back({id, read_handed_over(e), false});
    for (ExprId arg : e.args)
      visit(arg);
  };
  visit(stage.body);
  for (const Access &a : accesses_)
    if (!a.reducing)
      c.others.push_back(a.flat);
  return c;
}

// The stage with the one reduction of the nest, if that is a sum of products; else null.
const Stage *Scheduler::product() const {
  for (int s = first_; s < first_ + count_; ++s)
    if (const Stage &stage = k_.stages[static_cast<size_t>(s)]; reductions_ == 1 && sums_products(k_, stage))
      return &stage;
  return nullptr;
}

// Whether the last shared axis is worth being the rows of the product's tiles: one of the factors does not depend on
// it, so a tile would read that factor once for several rows. Not where the nest has rows and columns of its own.
bool Scheduler::tiles_shared_rows(const Stage &product) {
  if (outer_.shared.empty() || parallel_.empty())
    return false;
  const std::vector<ExprId> &factors = k_.expr(product.body).args;
  if (has_tile_inside(k_, product, outer_.shared))
    return false;
  return std::any_of(factors.begin(), factors.end(),
                     [&](ExprId f) { return !axes_.of(f).contains(outer_.shared.back()); });
}

NestSchedule Scheduler::nest() {
  NestSchedule n;
  n.first = first_;
  n.count = count_;
  n.axes = nest_;
  n.sums = outer_.sums;
  const Stage *sum = product();
  if (outer_.shared_rows > 1 && !(sum && tiles_shared_rows(*sum))) {
    rows_ = outer_.shared.back();
    parallel_.insert(parallel_.begin(), rows_);
  }
  if (sum)
    schedule_contraction(n, contraction(*sum), target_);
  else
    choose_lanes(n);
  for (int axis : parallel_)
    if (axis != n.row_axis && axis != n.col_axis)
      n.loops.push_back(axis);
  return n;
}

} // namespace

NestSchedule schedule_nest(const Kernel &k, const Target &target, int first, int count, const LoopSchedule &outer) {
  return Scheduler(k, target, first, count, outer).nest();
}

} // namespace gradc
