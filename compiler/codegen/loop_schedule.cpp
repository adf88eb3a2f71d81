#include "compiler/codegen/loop_schedule.h"

#include "ir/error.h"

#include <algorithm>
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

namespace {

constexpr double kGatherCost = 24; // of one vector, in loads
constexpr double kReduceCost = 10; // of summing the lanes of one vector, in instructions

struct Access {
  FlatAccess flat;
  bool store = false;
  bool reducing = false; // inside a reduction loop
  std::set<int> computed_axes;
};

class Scheduler {
public:
  Scheduler(const Kernel &k, const Target &t) : k_(k), target_(t) {}

  NestSchedule nest(int first, int count, const std::vector<int> &shared);

private:
  int64_t extent(int axis) const { return k_.axes[static_cast<size_t>(axis)].extent; }
  void survey(ExprId id, bool reducing, std::set<ExprId> &seen);
  void computed_axes(ExprId id, std::set<int> &axes) const;
  double access_cost(const Access &a, int lane_axis, bool along_reduction) const;
  double outer_cost(int lane_axis) const;
  double dot_cost(int lane_axis) const;
  void choose_tile(NestSchedule &n) const;
  void choose_dot_tile(NestSchedule &n) const;
  bool reuses(int row_axis, int lane_axis) const;

  const Kernel &k_;
  const Target &target_;
  std::vector<Access> accesses_;
  std::vector<int> parallel_, reduce_;
  int lanes_ = 1, ops_ = 0;
  bool single_contraction_ = false;
};

void Scheduler::computed_axes(ExprId id, std::set<int> &axes) const {
  const Expr &e = k_.expr(id);
  for (ExprId arg : e.args)
    computed_axes(arg, axes);
  for (const IndexExpr &index : e.index)
    for (const IndexTerm &t : index.terms) {
      if (t.is_axis)
        axes.insert(t.id);
      else
        computed_axes(t.id, axes);
    }
}

void Scheduler::survey(ExprId id, bool reducing, std::set<ExprId> &seen) {
  if (!seen.insert(id).second)
    return;
  const Expr &e = k_.expr(id);
  if (e.kind == Expr::Kind::load) {
    Access a{flatten(k_, k_.params[static_cast<size_t>(e.target)].type.shape, e.index), false, reducing, {}};
    for (auto [c, expr] : a.flat.computed)
      computed_axes(expr, a.computed_axes);
    accesses_.push_back(std::move(a));
  }
  ops_ += e.kind == Expr::Kind::op;
  for (ExprId arg : e.args)
    survey(arg, reducing, seen);
  for (const IndexExpr &index : e.index)
    for (const IndexTerm &t : index.terms)
      if (!t.is_axis)
        survey(t.id, reducing, seen);
}

double Scheduler::access_cost(const Access &a, int lane_axis, bool along_reduction) const {
  int64_t stride = a.flat.coefficients[static_cast<size_t>(lane_axis)];
  if (a.computed_axes.contains(lane_axis))
    return kGatherCost;
  if (along_reduction && a.store)
    return 1;
  return stride == 0 ? 0.5 : stride == 1 ? 1 : kGatherCost;
}

// Cost of the nest with the lanes along a parallel axis, per point of the other axes, in vector instructions.
double Scheduler::outer_cost(int lane_axis) const {
  double vectors = static_cast<double>((extent(lane_axis) + lanes_ - 1) / lanes_);
  double other = 1, inner = 1, cost = 0;
  for (int a : parallel_)
    other *= a == lane_axis ? 1 : static_cast<double>(extent(a));
  for (int a : reduce_)
    inner *= static_cast<double>(extent(a));
  for (const Access &a : accesses_) {
    double reuse = 1; // a register tile loads once for several rows
    for (int row : parallel_)
      if (row != lane_axis && single_contraction_ && a.flat.coefficients[static_cast<size_t>(row)] == 0)
        reuse = std::min<double>(8, static_cast<double>(extent(row)));
    cost += access_cost(a, lane_axis, false) * (a.reducing ? inner / reuse : 1);
  }
  return vectors * other * (cost + ops_ * inner);
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
      cost += access_cost(a, lane_axis, true) / (single_contraction_ ? 4 : 1);
  return outputs * (vectors * inner * (cost + ops_) + kReduceCost);
}

// A row axis pays when some lane-varying operand of the reduction is the same for all its points.
bool Scheduler::reuses(int row_axis, int lane_axis) const {
  return std::any_of(accesses_.begin(), accesses_.end(), [&](const Access &a) {
    return a.reducing && a.flat.coefficients[static_cast<size_t>(row_axis)] == 0 &&
           a.flat.coefficients[static_cast<size_t>(lane_axis)] != 0;
  });
}

// Largest share of useful work times operand reuse, within the registers.
void Scheduler::choose_tile(NestSchedule &n) const {
  int64_t columns = extent(n.col_axis);
  int64_t vectors = (columns + n.lanes - 1) / n.lanes;
  if (!single_contraction_) {
    n.cols = static_cast<int>(std::min<int64_t>(vectors, reduce_.empty() ? 2 : 4));
    return;
  }
  for (int a : parallel_)
    if (a != n.lane_axis && reuses(a, n.lane_axis) && (n.row_axis < 0 || extent(a) > extent(n.row_axis)))
      n.row_axis = a;
  double best = -1;
  int registers = target_.vector_registers - 1;
  for (int cols = 4; cols >= 1; --cols) {
    int limit = (registers - cols) / cols;
    int64_t m = n.row_axis < 0 ? 1 : extent(n.row_axis);
    int64_t rows = std::min<int64_t>(limit, m);
    rows = (m + (m + rows - 1) / rows - 1) / ((m + rows - 1) / rows); // equal blocks
    auto round_up = [](int64_t x, int64_t to) { return (x + to - 1) / to * to; };
    double useful = static_cast<double>(m) / static_cast<double>(round_up(m, rows)) * static_cast<double>(columns) /
                    static_cast<double>(round_up(columns, int64_t{n.lanes} * cols));
    double reuse = static_cast<double>(cols * rows) / static_cast<double>(cols + rows);
    double latency = std::min(1.0, static_cast<double>(cols * rows) / 8); // two pipes of four cycles
    double score = useful * reuse / (reuse + 1) * latency;
    if (cols <= std::max<int64_t>(vectors, 1) && score > best) {
      best = score;
      n.cols = cols;
      n.rows = static_cast<int>(rows);
    }
  }
}

void Scheduler::choose_dot_tile(NestSchedule &n) const {
  std::vector<int> by_extent = parallel_;
  std::stable_sort(by_extent.begin(), by_extent.end(), [&](int a, int b) { return extent(a) > extent(b); });
  if (by_extent.empty())
    return;
  n.col_axis = parallel_.back();
  bool argmax = std::any_of(k_.stages.begin() + n.first, k_.stages.begin() + n.first + n.count,
                            [](const Stage &s) { return s.combiner == Combiner::argmax; });
  int most = single_contraction_ ? 4 : argmax ? 1 : 8; // finding the best of the lanes is long code
  n.cols = static_cast<int>(std::min<int64_t>(most, extent(n.col_axis)));
  if (!single_contraction_)
    return;
  for (int a : by_extent)
    if (a != n.col_axis && n.row_axis < 0)
      n.row_axis = a;
  int limit = (target_.vector_registers - 2 - n.cols) / n.cols;
  if (n.row_axis >= 0) {
    int64_t m = extent(n.row_axis), rows = std::min<int64_t>(limit, m), blocks = (m + rows - 1) / rows;
    n.rows = static_cast<int>((m + blocks - 1) / blocks);
  }
}

NestSchedule Scheduler::nest(int first, int count, const std::vector<int> &shared) {
  NestSchedule n;
  n.first = first;
  n.count = count;
  std::set<ExprId> plain, reducing;
  bool narrow = false, accumulates = false;
  std::set<int> scattered, reduce_axes;
  int reductions = 0;
  for (int s = first; s < first + count; ++s) {
    const Stage &stage = k_.stages[static_cast<size_t>(s)];
    bool reduces = !stage.reduce.empty();
    reductions += reduces;
    reduce_axes.insert(stage.reduce.begin(), stage.reduce.end());
    survey(stage.body, reduces, reduces ? reducing : plain);
    accumulates |= stage.accumulate;
    if (stage.store >= 0) {
      Access a{flatten(k_, k_.params[static_cast<size_t>(stage.store)].type.shape, stage.store_index), true, false, {}};
      for (auto [c, expr] : a.flat.computed)
        computed_axes(expr, a.computed_axes);
      if (stage.accumulate)
        for (int axis : stage.axes)
          if (a.computed_axes.contains(axis) || a.flat.coefficients[static_cast<size_t>(axis)] == 0)
            scattered.insert(axis);
      accesses_.push_back(std::move(a));
    }
    const Expr &body = k_.expr(stage.body);
    single_contraction_ |= reduces && stage.combiner == Combiner::sum && body.kind == Expr::Kind::op &&
                           body.op == ScalarOp::mul;
  }
  single_contraction_ &= reductions == 1;
  for (const Expr &e : k_.exprs)
    narrow |= e.dtype == DType::f32 || e.dtype == DType::i32;
  lanes_ = target_.lanes(narrow ? 4 : 8);
  reduce_.assign(reduce_axes.begin(), reduce_axes.end());
  for (int axis : k_.stages[static_cast<size_t>(first)].axes)
    if (std::find(shared.begin(), shared.end(), axis) == shared.end())
      parallel_.push_back(axis);

  double best = -1;
  for (int axis : parallel_) {
    if (scattered.contains(axis))
      continue; // points along it must run in order
    double cost = outer_cost(axis);
    n.candidates.push_back({axis, false, cost});
    if (best < 0 || cost <= best) {
      best = cost;
      n.lane_axis = n.col_axis = axis;
    }
  }
  bool dot_possible = reductions == count || reductions == 1;
  for (int axis : reduce_) {
    double cost = dot_cost(axis);
    bool all_reduce = true; // every reduction of the nest runs over this axis
    for (int s = first; s < first + count; ++s) {
      const Stage &stage = k_.stages[static_cast<size_t>(s)];
      all_reduce &= stage.reduce.empty() || std::find(stage.reduce.begin(), stage.reduce.end(), axis) != stage.reduce.end();
    }
    if (!dot_possible || !all_reduce)
      continue;
    n.candidates.push_back({axis, true, cost});
    if (best < 0 || cost < best) {
      best = cost;
      n.lane_axis = axis;
      n.col_axis = -1;
    }
  }
  if (n.lane_axis >= 0) {
    n.lanes = lanes_;
    if (n.col_axis >= 0)
      choose_tile(n);
    else
      choose_dot_tile(n);
    if (n.is_dot() && scattered.contains(n.col_axis))
      n.cols = 1; // points that add to one place cannot be stored together
  }
  for (int axis : parallel_)
    if (axis != n.row_axis && axis != n.col_axis)
      n.loops.push_back(axis);
  if (n.row_axis >= 0) {
    int64_t row_tiles = (extent(n.row_axis) + n.rows - 1) / n.rows;
    int64_t step = n.is_dot() ? n.cols : int64_t{n.cols} * n.lanes;
    n.rows_outermost = row_tiles > (extent(n.col_axis) + step - 1) / step;
  }
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
        Scheduler(k, target).nest(static_cast<int>(s), static_cast<int>(end - s), schedule.shared));
    s = end;
  }
  auto extent = [&](int axis) { return k.axes[static_cast<size_t>(axis)].extent; };
  for (const Stage &stage : k.stages) {
    int64_t points = 1;
    for (int a : stage.axes)
      points *= extent(a);
    for (int a : stage.reduce)
      points *= extent(a);
    schedule.work += points;
    schedule.serial |= stage.accumulate;
  }
  if (!one_nest) {
    schedule.iterations = schedule.shared.empty() ? 1 : extent(schedule.shared[0]);
    return schedule;
  }
  const NestSchedule &n = schedule.nests[0];
  auto tiles = [](int64_t size, int64_t step) { return (size + step - 1) / step; };
  int64_t step = n.is_dot() ? n.cols : int64_t{n.cols} * n.lanes;
  if (!n.loops.empty())
    schedule.iterations = extent(n.loops[0]);
  else if (n.rows_outermost)
    schedule.iterations = tiles(extent(n.row_axis), n.rows);
  else if (n.col_axis >= 0)
    schedule.iterations = tiles(extent(n.col_axis), step);
  return schedule;
}

std::string print(const LoopSchedule &schedule, const Kernel &k, bool with_candidates) {
  auto name = [&](int axis) { return axis < 0 ? std::string("-") : k.axes[static_cast<size_t>(axis)].name; };
  std::string text;
  if (with_candidates)
    text += "work " + std::to_string(schedule.work) + " points, " + std::to_string(schedule.iterations) +
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
            (n.is_dot() ? " dot" : "") + (n.rows_outermost ? " rows-outermost" : "") + "\n";
    for (const NestSchedule::Candidate &c : n.candidates)
      if (with_candidates)
        text += "  lanes along " + name(c.lane_axis) + (c.dot ? ", summed at the end" : "") + ": cost " +
                std::to_string(static_cast<int64_t>(c.cost)) + (c.lane_axis == n.lane_axis ? "  <- taken" : "") + "\n";
  }
  return text;
}

} // namespace gradc
