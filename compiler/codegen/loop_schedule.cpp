#include "compiler/codegen/loop_schedule.h"

#include "compiler/codegen/contraction_schedule.h"

#include <algorithm>
#include <functional>
#include <set>

namespace gradc {

FlatAccess flatten(const Kernel &k, const Shape &shape, const Index &index) {
  FlatAccess flat;
  flat.coefficients.assign(k.axes.size(), 0);
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0;) {
    flat.offset += stride * index[d].offset;
    for (const IndexTerm &t : index[d].terms) {
      if (t.is_axis)
        flat.coefficients[static_cast<size_t>(t.id)] += stride * t.coefficient;
      else
        flat.computed.emplace_back(stride * t.coefficient, t.id);
    }
    stride *= shape[d];
  }
  return flat;
}

HandedOver handed_over(const Kernel &k, const Stage &stage, const std::vector<int> &shared) {
  HandedOver layout{std::vector<int64_t>(k.axes.size(), 0), 1};
  for (size_t i = stage.axes.size(); i-- > 0;)
    if (std::find(shared.begin(), shared.end(), stage.axes[i]) == shared.end()) {
      layout.strides[static_cast<size_t>(stage.axes[i])] = layout.elements;
      layout.elements *= k.axes[static_cast<size_t>(stage.axes[i])].extent;
    }
  return layout;
}

namespace {

constexpr double kGatherCost = 24; // of one vector, in loads
constexpr double kInstructionsPerCycle = 3;
constexpr int kExpensiveOps = 12;  // instructions of a function like exp
constexpr double kReduceCost = 10; // of summing the lanes of one vector, in instructions

struct Access {
  FlatAccess flat;
  bool store = false;
  bool reducing = false; // inside a reduction loop
  std::set<int> computed_axes;
};

class Scheduler {
public:
  /// For the stages [first, first + count), inside loops over the shared axes.
  Scheduler(const Kernel &k, const Target &t, int first, int count, const std::vector<int> &shared)
      : k_(k), target_(t), axes_(k), first_(first), count_(count), shared_(shared) {}

  NestSchedule nest();

private:
  int64_t extent(int axis) const { return k_.axes[static_cast<size_t>(axis)].extent; }
  void survey(ExprId id, bool reducing, std::set<ExprId> &seen);
  double access_cost(const Access &a, int lane_axis, bool along_reduction) const;
  double outer_cost(int lane_axis) const;
  double dot_cost(int lane_axis) const;
  FlatAccess read_handed_over(const Expr &) const;
  void collect();
  void choose_lanes(NestSchedule &n);
  void choose_cols(NestSchedule &n) const;
  Contraction contraction(const Stage &) const;

  const Kernel &k_;
  const Target &target_;
  AxisSets axes_;
  const int first_, count_;
  const std::vector<int> &shared_;
  std::vector<Access> accesses_;
  std::vector<int> parallel_, reduce_;
  std::set<int> scattered_; // axes along which points must run in order
  int lanes_ = 1, ops_ = 0, reductions_ = 0, element_bytes_ = 8;
};

void Scheduler::survey(ExprId id, bool reducing, std::set<ExprId> &seen) {
  if (!seen.insert(id).second)
    return;
  const Expr &e = k_.expr(id);
  if (e.kind == Expr::Kind::load) {
    Access a{flatten(k_, k_.params[static_cast<size_t>(e.target)].type.shape, e.index), false, reducing, {}};
    for (auto [c, expr] : a.flat.computed)
      a.computed_axes.merge(std::set<int>(axes_.of(expr)));
    accesses_.push_back(std::move(a));
  }
  if (e.kind == Expr::Kind::stage && (e.target < first_ || e.target >= first_ + count_))
    accesses_.push_back({read_handed_over(e), false, reducing, {}});
  if (e.kind == Expr::Kind::op)
    ops_ += is_expensive(e.op) || e.op == ScalarOp::philox ? kExpensiveOps : 1;
  for (ExprId arg : e.args)
    survey(arg, reducing, seen);
  for (const IndexExpr &index : e.index)
    for (const IndexTerm &t : index.terms)
      if (!t.is_axis)
        survey(t.id, reducing, seen);
}

FlatAccess Scheduler::read_handed_over(const Expr &e) const {
  const Stage &stage = k_.stages[static_cast<size_t>(e.target)];
  const HandedOver layout = handed_over(k_, stage, shared_);
  FlatAccess flat{0, std::vector<int64_t>(k_.axes.size(), 0), {}};
  for (size_t i = 0; i < stage.axes.size(); ++i)
    if (int axis = e.index[i].plain_axis(); axis >= 0)
      flat.coefficients[static_cast<size_t>(axis)] += layout.strides[static_cast<size_t>(stage.axes[i])];
  return flat;
}

double Scheduler::access_cost(const Access &a, int lane_axis, bool along_reduction) const {
  int64_t stride = a.flat.coefficients[static_cast<size_t>(lane_axis)];
  if (a.computed_axes.contains(lane_axis))
    return kGatherCost;
  if (along_reduction && a.store)
    return 1;
  return stride == 0 ? 0.5 : stride == 1 ? 1 : kGatherCost;
}

// Cycles of the nest with the lanes along a parallel axis, from its vector instructions.
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
    bool reduces = !stage.reduce.empty();
    reductions_ += reduces;
    reduce_axes.insert(stage.reduce.begin(), stage.reduce.end());
    survey(stage.body, reduces, reduces ? reducing : plain);
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
  for (const Expr &e : k_.exprs)
    if (e.dtype == DType::f32 || e.dtype == DType::i32)
      element_bytes_ = 4;
  lanes_ = target_.lanes(element_bytes_);
  reduce_.assign(reduce_axes.begin(), reduce_axes.end());
  for (int axis : k_.stages[static_cast<size_t>(first_)].axes)
    if (std::find(shared_.begin(), shared_.end(), axis) == shared_.end())
      parallel_.push_back(axis);
}

void Scheduler::choose_lanes(NestSchedule &n) {
  int best = -1;
  auto consider = [&](int axis, bool dot, double cost) {
    n.candidates.push_back({axis, dot, false, cost, false});
    const double least = best < 0 ? cost : n.candidates[static_cast<size_t>(best)].cost;
    if (best < 0 || cost < least || (!dot && cost == least)) // the last of the parallel axes: it is contiguous most often
      best = static_cast<int>(n.candidates.size()) - 1;
  };
  for (int axis : parallel_)
    if (!scattered_.contains(axis))
      consider(axis, false, outer_cost(axis));
  for (int axis : reduce_) {
    bool all_reduce = reductions_ == n.count || reductions_ == 1; // every reduction of the nest runs over this axis
    for (int s = n.first; s < n.first + n.count; ++s) {
      const Stage &stage = k_.stages[static_cast<size_t>(s)];
      all_reduce &= stage.reduce.empty() || std::find(stage.reduce.begin(), stage.reduce.end(), axis) != stage.reduce.end();
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
    // Some sums at once hide the latency of one; the code grows with each, most where the best of the lanes is sought.
    int most = argmax || scattered_.contains(n.col_axis) ? 1 : 4;
    n.cols = static_cast<int>(std::min<int64_t>(most, extent(n.col_axis)));
  } else {
    n.cols = static_cast<int>(std::min<int64_t>((extent(n.col_axis) + n.lanes - 1) / n.lanes, reduce_.empty() ? 2 : 4));
  }
}

Contraction Scheduler::contraction(const Stage &stage) const {
  Contraction c{.kernel = &k_, .parallel = parallel_, .reduce = reduce_, .in_order = scattered_,
                .element_bytes = element_bytes_, .operations = -1, .operands = {}, .others = {}};
  std::set<ExprId> seen;
  std::function<void(ExprId)> visit = [&](ExprId id) {
    if (!seen.insert(id).second)
      return;
    const Expr &e = k_.expr(id);
    c.operations += e.kind == Expr::Kind::op;
    if (e.kind == Expr::Kind::load) {
      FlatAccess flat = flatten(k_, k_.params[static_cast<size_t>(e.target)].type.shape, e.index);
      bool plain = !e.padded && flat.computed.empty() && size_of(e.dtype) == element_bytes_;
      c.operands.push_back({id, std::move(flat), plain});
    }
    for (ExprId arg : e.args)
      visit(arg);
  };
  visit(stage.body);
  for (const Access &a : accesses_)
    if (!a.reducing)
      c.others.push_back(a.flat);
  return c;
}

NestSchedule Scheduler::nest() {
  NestSchedule n;
  n.first = first_;
  n.count = count_;
  collect();
  const Stage *product = nullptr; // the one reduction, where it is a sum of products
  for (int s = first_; s < first_ + count_; ++s) {
    const Stage &stage = k_.stages[static_cast<size_t>(s)];
    if (reductions_ == 1 && sums_products(k_, stage))
      product = &stage;
  }
  if (product)
    schedule_contraction(n, contraction(*product), target_);
  else
    choose_lanes(n);
  for (int axis : parallel_)
    if (axis != n.row_axis && axis != n.col_axis)
      n.loops.push_back(axis);
  return n;
}

} // namespace

LoopSchedule schedule_loops(const Kernel &k, const Target &target) {
  LoopSchedule schedule;
  bool one_nest = std::all_of(k.stages.begin(), k.stages.end(),
                              [&](const Stage &s) { return s.axes == k.stages[0].axes; });
  if (!one_nest)
    schedule.shared = k.shared_axes();
  for (size_t s = 0; s < k.stages.size();) {
    size_t end = s;
    while (end < k.stages.size() && k.stages[end].axes == k.stages[s].axes)
      ++end;
    schedule.nests.push_back(
        Scheduler(k, target, static_cast<int>(s), static_cast<int>(end - s), schedule.shared).nest());
    s = end;
  }
  auto extent = [&](int axis) { return k.axes[static_cast<size_t>(axis)].extent; };
  double cycles = 0;
  for (const NestSchedule &n : schedule.nests)
    for (const NestSchedule::Candidate &c : n.candidates)
      cycles += c.taken ? c.cost : 0;
  for (int a : schedule.shared)
    cycles *= static_cast<double>(extent(a));
  schedule.cycles = static_cast<int64_t>(std::min(cycles, 1e18));
  for (const Stage &stage : k.stages)
    schedule.serial |= stage.accumulate;
  if (!one_nest) {
    if (!schedule.shared.empty()) {
      schedule.iterations = extent(schedule.shared[0]);
      schedule.partition = {schedule.shared[0], 1};
    }
    return schedule;
  }
  for (const LoopLevel &level : loop_levels(schedule.nests[0]))
    if (schedule.iterations == 1 && extent(level.axis) > level.step) {
      schedule.iterations = (extent(level.axis) + level.step - 1) / level.step;
      schedule.partition = {level.axis, level.step};
    }
  return schedule;
}

std::vector<LoopLevel> loop_levels(const NestSchedule &n) {
  using Kind = LoopLevel::Kind;
  std::vector<LoopLevel> levels;
  for (int axis : n.loops)
    levels.push_back({Kind::points, axis, 1});
  if (n.block > 0)
    levels.push_back({Kind::block, n.col_axis, n.block * n.col_points()});
  bool rows_first = n.rows_outermost || n.block > 0;
  if (n.row_axis >= 0 && rows_first)
    levels.push_back({Kind::rows, n.row_axis, n.rows});
  if (n.col_axis >= 0)
    levels.push_back({Kind::cols, n.col_axis, n.col_points()});
  if (n.row_axis >= 0 && !rows_first)
    levels.push_back({Kind::rows, n.row_axis, n.rows});
  return levels;
}

std::string print(const LoopSchedule &schedule, const Kernel &k, bool with_candidates) {
  auto name = [&](int axis) { return axis < 0 ? std::string("-") : k.axes[static_cast<size_t>(axis)].name; };
  std::string text;
  if (with_candidates)
    text += "about " + std::to_string(schedule.cycles) + " cycles, " + std::to_string(schedule.iterations) +
            " iterations to share out" + (schedule.serial ? ", in order" : "") + "\n";
  if (!schedule.shared.empty()) {
    text += "shared";
    for (int a : schedule.shared)
      text += " " + name(a);
    text += "\n";
  }
  for (const NestSchedule &n : schedule.nests) {
    text += "nest stages " + std::to_string(n.first) + ".." + std::to_string(n.first + n.count - 1);
    for (int a : n.loops)
      text += " loop " + name(a);
    text += " rows " + name(n.row_axis) + ":" + std::to_string(n.rows) + " cols " + name(n.col_axis) + ":" +
            std::to_string(n.cols) + " lanes " + name(n.lane_axis) + ":" + std::to_string(n.lanes) +
            (n.is_dot() ? " dot" : "") + (n.rows_outermost ? " rows-outermost" : "");
    if (n.packed_cols >= 0)
      text += " packed " + print_expr(k, n.packed_cols) + " block:" + std::to_string(n.block);
    if (n.packed_rows >= 0)
      text += " packed-rows " + print_expr(k, n.packed_rows);
    text += "\n";
    for (const NestSchedule::Candidate &c : n.candidates)
      if (with_candidates)
        text += "  lanes along " + name(c.lane_axis) + (c.dot ? ", summed at the end" : "") +
                (c.packed ? ", packed" : "") + ": cost " + std::to_string(static_cast<int64_t>(c.cost)) +
                (c.taken ? "  <- taken" : "") + "\n";
  }
  return text;
}

} // namespace gradc
