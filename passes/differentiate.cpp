// Reverse mode: one walk over the nodes from the loss backwards. A node's adjoint is complete when the walk reaches it,
// because every user of a value comes after it. Only nodes between `wrt` and the loss take part.
#include "passes/differentiate.h"

#include "ir/op.h"

#include <algorithm>

namespace gradc {
namespace {

std::string describe(const std::vector<NotDifferentiable::Place> &places) {
  std::string text = "the loss cannot be differentiated; no gradient is known for ";
  for (size_t i = 0; i < places.size(); ++i) {
    text += (i ? ", '" : "'") + places[i].op + "'";
    if (!places[i].location.empty())
      text += " at " + places[i].location;
  }
  return text;
}

/// For every value: does it depend on one of `wrt` through floats only? Integers and bools are piecewise constant, so
/// nothing flows through them.
std::vector<bool> varied(const Graph &graph, const std::vector<Value> &wrt) {
  std::vector<bool> result(graph.size(), false);
  for (Value w : wrt)
    result[w] = is_float(graph.type(w).dtype);
  for (Value v = 0; v < graph.size(); ++v)
    for (Value input : graph[v].inputs)
      if (result[input] && is_float(graph.type(v).dtype))
        result[v] = true;
  return result;
}

class Differentiation {
public:
  Differentiation(Graph &graph, const std::vector<Value> &wrt)
      : graph_(graph), varied_(varied(graph, wrt)), adjoints_(graph.size()) {}

  void run(const std::vector<Value> &outputs, const std::vector<Value> &adjoints) {
    for (size_t i = 0; i < outputs.size(); ++i)
      accumulate(outputs[i], adjoints[i], "an output");
    for (Value v = outputs.empty() ? 0 : *std::ranges::max_element(outputs) + 1; v-- > 0;)
      if (varied_[v] && adjoints_[v] && !graph_[v].is_declaration())
        propagate(v);
  }

  Value adjoint(Value v) {
    if (!adjoints_[v])
      adjoints_[v] = zeros(v);
    return *adjoints_[v];
  }

  const std::vector<NotDifferentiable::Place> &missing() const { return missing_; }

private:
  Value zeros(Value v) { return graph_.constant(0, graph_.type(v), graph_[v].location); }

  void propagate(Value v) {
    const OpDef &op = *graph_[v].op;
    const std::vector<Value> inputs = graph_[v].inputs;
    const std::vector<std::optional<Value>> flows = op.gradient ? gradient(op, v) : missing_rule(v);
    internal_check(flows.size() == inputs.size(),
                   "the gradient of '" + std::string(op.name) + "' does not answer for each operand");
    for (size_t n = 0; n < inputs.size(); ++n)
      if (flows[n] && varied_[inputs[n]])
        accumulate(inputs[n], op.kind == OpKind::elementwise ? unbroadcast(*flows[n], inputs[n]) : *flows[n], op.name);
  }

  std::vector<std::optional<Value>> gradient(const OpDef &op, Value v) {
    const Adjoint rule(graph_, v, *adjoints_[v]);
    std::vector<std::optional<Value>> flows;
    for (const std::optional<Var> &flow : op.gradient(rule))
      flows.push_back(flow ? std::optional(flow->value) : std::nullopt);
    return flows;
  }

  /// Zeros stand in for the unknown adjoints, so that the walk goes on and finds every op without a rule.
  std::vector<std::optional<Value>> missing_rule(Value v) {
    missing_.push_back({std::string(graph_[v].op->name), graph_[v].location});
    const std::vector<Value> inputs = graph_[v].inputs;
    const Shape shape = graph_.type(v).shape;
    const bool elementwise = graph_[v].op->kind == OpKind::elementwise;
    std::vector<std::optional<Value>> flows;
    for (Value input : inputs)
      flows.push_back(elementwise ? graph_.constant(0, Type{graph_.type(input).dtype, shape}) : zeros(input));
    return flows;
  }

  /// Sums an adjoint over the axes along which `operand` was broadcast.
  Value unbroadcast(Value flow, Value operand) {
    const std::string location = graph_[flow].location;
    const Shape from = graph_.type(flow).shape;
    const Shape to = graph_.type(operand).shape;
    internal_check(from.size() >= to.size(), "an adjoint has a lower rank than its operand");
    const size_t extra = from.size() - to.size();
    std::vector<int64_t> axes;
    for (size_t d = 0; d < from.size(); ++d)
      if (d < extra || (to[d - extra] == 1 && from[d] != 1))
        axes.push_back(static_cast<int64_t>(d));
    if (!axes.empty())
      flow = graph_.add("sum", {flow}, {{"axes", axes}, {"keep", false}}, location);
    if (graph_.type(flow).shape != to)
      flow = graph_.add("reshape", {flow}, {}, location, graph_.type(operand));
    return flow;
  }

  /// `from` names who gives the adjoint: an op, for one of its operands.
  void accumulate(Value v, Value flow, std::string_view from) {
    internal_check(graph_.type(flow) == graph_.type(v), "the adjoint that '" + std::string(from) + "' gives has type " +
                                                            to_string(graph_.type(flow)) + ", the value " +
                                                            to_string(graph_.type(v)));
    std::optional<Value> &sum = adjoints_[v];
    sum = sum ? graph_.add("add", {*sum, flow}, {}, graph_[flow].location) : flow;
  }

  Graph &graph_;
  const std::vector<bool> varied_;
  std::vector<std::optional<Value>> adjoints_; // complete for every value the walk has reached
  std::vector<NotDifferentiable::Place> missing_;
};

} // namespace

NotDifferentiable::NotDifferentiable(std::vector<Place> p)
    : Error(describe(p), p.empty() ? "" : p.front().location), places(std::move(p)) {}

std::vector<Value> pull_back(Graph &graph, const std::vector<Value> &outputs, const std::vector<Value> &adjoints,
                             const std::vector<Value> &wrt) {
  internal_check(outputs.size() == adjoints.size(), "every output has one adjoint");
  const size_t forward_size = graph.size();
  Differentiation differentiation(graph, wrt);
  differentiation.run(outputs, adjoints);
  if (!differentiation.missing().empty()) {
    graph.nodes.resize(forward_size);
    throw NotDifferentiable({differentiation.missing().rbegin(), differentiation.missing().rend()});
  }
  std::vector<Value> gradients;
  for (Value w : wrt)
    gradients.push_back(differentiation.adjoint(w));
  return gradients;
}

std::vector<Value> differentiate(Graph &graph, Value loss, const std::vector<Value> &wrt) {
  internal_check(is_float(graph.type(loss).dtype) && graph.type(loss).rank() == 0,
                 "the loss is a float of rank 0, not " + to_string(graph.type(loss)));
  const Value one = graph.constant(1, graph.type(loss), graph[loss].location);
  try {
    return pull_back(graph, {loss}, {one}, wrt);
  } catch (const NotDifferentiable &) {
    graph.nodes.pop_back();
    throw;
  }
}

} // namespace gradc
