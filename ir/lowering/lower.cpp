// Lowering by substitution: see ir/lowering/lower.h.
#include "ir/lowering/lower.h"

#include "ir/flat_access.h"
#include "ir/lowering/footprints.h"
#include "ir/lowering/gather.h"
#include "ir/lowering/lowering.h"
#include "ir/lowering/namings.h"
#include "ir/lowering/nests.h"
#include "ir/lowering/region_keys.h"
#include "ir/lowering/share.h"
#include "ir/op.h"

#include <algorithm>
#include <set>
#include <utility>

namespace gradc {

int Lowering::param(Value v) {
  auto [it, fresh] = state_.param_of.try_emplace(v, static_cast<int>(state_.result.values.size()));
  if (fresh) {
    kernel().params.push_back({"p" + std::to_string(it->second), graph_.type(v), false});
    state_.result.values.push_back(v);
  }
  return it->second;
}

// A dim of extent 1 has only index 0.
Index Lowering::normalized(const Index &at, const Shape &shape) const {
  internal_check(at.size() == shape.size(), "index rank differs from the operand's rank");
  Index index = at;
  for (size_t d = 0; d < shape.size(); ++d)
    if (shape[d] == 1)
      index[d] = IndexExpr::constant(0);
  return index;
}

static std::vector<int> plain_axes(const Index &at) {
  std::vector<int> axes;
  for (const IndexExpr &e : at) {
    if (e.is_constant() && e.offset == 0)
      continue;
    int axis = e.plain_axis();
    if (axis < 0 || std::find(axes.begin(), axes.end(), axis) != axes.end())
      throw Unfusable("a reduction is read at an index that is not a plain axis");
    axes.push_back(axis);
  }
  return axes;
}

// An output that is computed element by element from values of its own shape is best walked along the axes on which one of
// them was read already: then both share loops, and what they have in common is computed once. Looks through the values that
// `v` is made of, operands from left to right, and returns the first such index.
std::optional<Index> Lowering::known_index(Value v) const {
  std::vector<Value> work{v};
  std::set<Value> seen;
  while (!work.empty()) {
    const Value at = work.back();
    work.pop_back();
    if (!seen.insert(at).second)
      continue;
    auto it = state_.memo.lower_bound({at, {}, false});
    if (it != state_.memo.end() && std::get<Value>(it->first) == at && !std::get<bool>(it->first))
      return std::get<Index>(it->first);
    const Node &node = graph_[at];
    if (region_.contains(at) && node.op->kind == OpKind::elementwise)
      for (size_t i = node.inputs.size(); i-- > 0;)
        if (graph_.type(node.inputs[i]).shape == node.type.shape)
          work.push_back(node.inputs[i]);
  }
  return std::nullopt;
}

void Lowering::with_axes(std::vector<Index> ways, size_t loops, const std::function<void(const Index &)> &lower) {
  std::vector<std::function<void()>> calls;
  for (const Index &at : ways)
    calls.push_back([&] { lower(at); });
  best_of(calls, loops);
}

// There are several ways to name the axes of a stage, and what is best shows only in the kernel that comes out. So each way is
// tried on a copy of the state, and the best kernel stays: the one whose stages are on the fewest different lists of axes,
// which means the fewest loops; among equals the one with the fewest expressions, because then stages have more in common.
// A kernel of no more than `loops` lists that loads nothing at a second index cannot be beaten, and ends the search.
void Lowering::best_of(const std::vector<std::function<void()>> &ways, size_t loops) {
  if (ways.size() == 1)
    return ways[0]();
  const State before = state_;
  const bool guarded = guarded_;
  const size_t repeated = repeated_loads(kernel());
  std::optional<State> best;
  std::optional<Unfusable> refusal;
  std::pair<size_t, size_t> least;
  for (const std::function<void()> &go : ways) {
    if (&go != ways.data()) {
      state_ = before;
      guarded_ = guarded;
    }
    try {
      go();
    } catch (const Unfusable &reason) {
      if (!refusal)
        refusal = reason;
      continue;
    }
    const std::pair cost(loops_of(kernel()), kernel().exprs.size());
    if (cost.first <= loops && repeated_loads(kernel()) == repeated)
      return;
    if (!best || cost < least) {
      best = std::move(state_);
      least = cost;
    }
  }
  if (!best)
    throw *refusal;
  state_ = std::move(*best);
}

static Index axis_index(const std::vector<int> &axes) {
  Index index;
  for (int axis : axes)
    index.push_back(IndexExpr::axis(axis));
  return index;
}

ExprId Lowering::element(Value v, const Index &at, bool guarded) {
  const Node &node = graph_[v];
  if (is_constant(node) && node.attrs.contains("value"))
    return kernel().intern(Expr::literal(number_attr(node.attrs, "value"), node.type.dtype));
  Index index = guarded ? at : normalized(at, node.type.shape);
  if (!region_.contains(v)) {
    Expr load{.kind = Expr::Kind::load, .dtype = node.type.dtype, .padded = guarded, .target = param(v)};
    load.index = std::move(index);
    return kernel().intern(std::move(load));
  }
  if (!node.op->lower)
    throw Unfusable("the result of " + std::string(node.op->name) + " is not known element by element");
  auto key = std::tuple(v, index, guarded);
  if (auto it = state_.memo.find(key); it != state_.memo.end())
    return it->second;
  NodeLowering rule(*this, v, node);
  bool outer = std::exchange(guarded_, guarded);
  ExprId expr = node.op->lower(rule, index);
  guarded_ = outer;
  state_.memo[key] = expr;
  return expr;
}

ExprId Lowering::element_padded(Value v, const Index &at, Number pad, bool guarded) {
  const Node &node = graph_[v];
  bool leaves = guarded;
  for (size_t d = 0; d < at.size(); ++d)
    leaves |= may_leave(kernel(), at[d], node.type.shape[d]);
  if (!leaves)
    return element(v, at, false);
  if (!region_.contains(v) && !is_constant(node)) {
    Expr load = Expr::literal(pad, node.type.dtype);
    load.kind = Expr::Kind::load;
    load.padded = true;
    load.target = param(v);
    load.index = at;
    return kernel().intern(std::move(load));
  }
  NodeLowering rule(*this, v, node);
  ExprId inside = -1;
  for (size_t d = 0; d < at.size(); ++d) {
    if (!may_leave(kernel(), at[d], node.type.shape[d]))
      continue;
    ExprId i = rule.index_value(at[d]);
    ExprId above = rule.apply(ScalarOp::ge, {i, rule.integer(0)}, DType::boolean);
    ExprId below = rule.apply(ScalarOp::lt, {i, rule.integer(node.type.shape[d])}, DType::boolean);
    ExprId both = rule.apply(ScalarOp::logical_and, {above, below}, DType::boolean);
    inside = inside < 0 ? both : rule.apply(ScalarOp::logical_and, {inside, both}, DType::boolean);
  }
  ExprId value = element(v, at, guarded || inside >= 0);
  if (inside < 0)
    return value;
  return rule.apply(ScalarOp::select, {inside, value, rule.literal(pad, node.type.dtype)}, node.type.dtype);
}

ExprId Lowering::reduce(Value v, Combiner combiner, const Index &at, const Shape &extents,
                        const std::function<ExprId(const Index &, const Index &)> &body) {
  if (guarded_)
    throw Unfusable("a reduction is read through padding");
  std::vector<int> axes = plain_axes(at);
  if (!state_.stage_of.contains(v))
    with_axes(namings(kernel(), extents, {axes.begin(), axes.end()}), SIZE_MAX, [&](const Index &red) { // all on the same axes
      Stage stage;
      stage.dtype = graph_.type(v).dtype;
      stage.axes = axes;
      stage.reduce = plain_axes(red);
      stage.combiner = combiner;
      stage.body = body(at, red);
      const int number = static_cast<int>(kernel().stages.size());
      stage.name = "s" + std::to_string(number);
      kernel().stages.push_back(std::move(stage));
      state_.stage_of.emplace(v, number);
    });
  const int stage = state_.stage_of.at(v);
  if (kernel().stages[static_cast<size_t>(stage)].axes != axes)
    throw Unfusable("a reduction is read at two different indices");
  Expr ref{.kind = Expr::Kind::stage, .dtype = graph_.type(v).dtype, .target = stage};
  ref.index = axis_index(axes);
  return kernel().intern(std::move(ref));
}

void Lowering::store(Value v, const Shape &extents, const std::function<ExprId(const Index &)> &value,
                     const std::function<Index(const Index &)> &where, bool accumulate) {
  if (element_count(extents) == 0)
    return;
  // Stages over common axes run interleaved, point by point. What accumulates must come after all that it adds to.
  const int target = param(v);
  std::set<int> taken;
  for (const Stage &earlier : kernel().stages)
    if (accumulate && earlier.store == target)
      taken.insert(earlier.axes.begin(), earlier.axes.end());
  Index at = namings(kernel(), extents, taken).front();
  Stage stage;
  stage.dtype = graph_.type(v).dtype;
  stage.axes = plain_axes(at);
  stage.body = value(at);
  stage.store = target;
  stage.store_index = normalized(where(at), graph_.type(v).shape);
  stage.accumulate = accumulate;
  stage.name = "s" + std::to_string(kernel().stages.size());
  kernel().params[static_cast<size_t>(stage.store)].written = true;
  kernel().stages.push_back(std::move(stage));
}

void Lowering::lower_output(Value v) {
  const Node &node = graph_[v];
  if (node.type.elements() == 0)
    return;
  if (node.op->lower_store) {
    NodeLowering rule(*this, v, node);
    node.op->lower_store(rule);
    return;
  }
  std::vector<Index> ways = namings(kernel(), node.type.shape, {});
  if (kernel().exprs.empty()) // nothing to have in common with
    ways.resize(1);
  if (std::optional<Index> known = known_index(v))
    if (auto same = std::find(ways.begin(), ways.end(), *known); same != ways.end())
      std::rotate(ways.begin(), same, same + 1);
  with_axes(std::move(ways), least_loops_with(kernel(), node.type.shape), [&](const Index &at) { lower_output(v, at); });
}

void Lowering::lower_output(Value v, const Index &at) {
  ExprId value = element(v, at, false);
  std::vector<int> axes = plain_axes(at);
  const Expr &expr = kernel().expr(value);
  int target = -1;
  if (expr.kind == Expr::Kind::stage) {
    const Stage &stage = kernel().stages[static_cast<size_t>(expr.target)];
    if (stage.store < 0 && stage.axes == axes)
      target = expr.target;
  }
  if (target < 0) {
    Stage stage;
    stage.dtype = graph_.type(v).dtype;
    stage.axes = axes;
    stage.body = value;
    target = static_cast<int>(kernel().stages.size());
    stage.name = "s" + std::to_string(target);
    kernel().stages.push_back(std::move(stage));
  }
  Stage &stage = kernel().stages[static_cast<size_t>(target)];
  stage.store = param(v);
  stage.store_index = at;
  kernel().params[static_cast<size_t>(stage.store)].written = true;
}

LoweredKernel Lowering::run(const std::vector<Value> &outputs) {
  if (outputs.empty())
    throw Unfusable("nothing of the region is needed outside");
  // The output of highest rank names the axes, so that the others find theirs among them.
  auto widest = std::max_element(outputs.begin(), outputs.end(),
                                 [&](Value a, Value b) { return graph_.type(a).rank() < graph_.type(b).rank(); });
  auto lower_all = [&](const std::vector<Value> &order) {
    if (!graph_[*widest].op->lower_store)
      namings(kernel(), graph_.type(*widest).shape, {});
    for (Value v : order)
      lower_output(v);
  };
  std::vector<Value> widest_first{*widest};
  std::copy_if(outputs.begin(), outputs.end(), std::back_inserter(widest_first), [&](Value v) { return v != *widest; });
  std::vector<std::function<void()>> ways{[&] { lower_all(outputs); }};
  if (widest != outputs.begin())
    ways.push_back([&] { lower_all(widest_first); });
  best_of(ways, SIZE_MAX);
  return std::move(state_.result);
}

LoweredKernel lower_region(const Graph &graph, const std::vector<Value> &nodes, const std::vector<Value> &outputs) {
  try {
    LoweredKernel lowered = Lowering(graph, nodes).run(outputs);
    share_values(lowered.kernel);
    if (!one_nest(lowered.kernel))
      gather_nests(lowered.kernel);
    read_stored_values(lowered.kernel);
    return lowered;
  } catch (const Overflow &) {
    throw Unfusable("together its indices leave the range of 64 bits");
  }
}

namespace {

// Lowers regions of one graph; of regions that are alike only the first.
class KernelList {
public:
  explicit KernelList(const Graph &graph) : graph_(graph), keys_(graph) {}

  void add(const std::vector<Value> &nodes, const std::vector<Value> &outputs) {
    const RegionKey key = keys_.of(nodes, outputs);
    auto [known, fresh] = known_.try_emplace(key.words);
    auto value = [&](size_t place) { return place < nodes.size() ? nodes[place] : key.outside[place - nodes.size()]; };
    LoweredKernel lowered;
    if (fresh) {
      lowered = lower_region(graph_, nodes, outputs);
      add_footprints(lowered.kernel); // only now: whether nodes may share a kernel is judged without copies
      lowered.number = kernels_.size();
      known->second.number = kernels_.size();
      std::unordered_map<Value, size_t> places;
      for (size_t place = 0; place < nodes.size() + key.outside.size(); ++place)
        places.emplace(value(place), place);
      for (Value v : lowered.values)
        known->second.places.push_back(places.at(v));
    } else {
      lowered.kernel = kernels_[known->second.number].kernel;
      lowered.number = known->second.number;
      for (size_t place : known->second.places)
        lowered.values.push_back(value(place));
    }
    lowered.kernel.name = "k" + std::to_string(kernels_.size());
    kernels_.push_back(std::move(lowered));
  }

  std::vector<LoweredKernel> take() { return std::move(kernels_); }

private:
  struct Known {
    size_t number;
    std::vector<size_t> places; // of the parameters, among the nodes of the region and then what it reads from outside
  };
  const Graph &graph_;
  RegionKeys keys_;
  RegionMap<Known> known_;
  std::vector<LoweredKernel> kernels_;
};

} // namespace

std::vector<LoweredKernel> lower_kernels(const Graph &graph) {
  std::vector<std::vector<Value>> nodes(static_cast<size_t>(graph.kernel_count())), outputs(nodes.size());
  std::vector<bool> live_out = graph.live_out();
  std::vector<std::vector<Value>> users = graph.users();
  for (Value v = 0; v < graph.size(); ++v) {
    int k = graph[v].kernel;
    if (k == kNoKernel)
      continue;
    nodes[static_cast<size_t>(k)].push_back(v);
    bool escapes = live_out[v] || std::any_of(users[v].begin(), users[v].end(),
                                              [&](Value user) { return graph[user].kernel != k; });
    if (escapes)
      outputs[static_cast<size_t>(k)].push_back(v);
  }
  KernelList kernels(graph);
  for (size_t k = 0; k < nodes.size(); ++k)
    kernels.add(nodes[k], outputs[k]);
  return kernels.take();
}

} // namespace gradc
