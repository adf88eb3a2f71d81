// Every op of the table that has a gradient rule, on random operands: first and second derivatives against
// finite differences. An op without a sampler fails.
#include "ir/text/text.h"
#include "passes/differentiate.h"
#include "tests/support/gradient_check.h"

#include <catch2/catch.hpp>

#include <set>

using namespace gradc;
using namespace gradc::tests;

namespace {

constexpr double kTolerance = 1e-7;
constexpr int kSamples = 12;
/// Ops whose rule is, by definition, not the derivative.
const std::set<std::string_view> kExempt = {"stop_gradient"};

std::vector<Value> float_inputs(const Graph &graph) {
  std::vector<Value> inputs;
  for (Value v = 0; v < graph.size(); ++v)
    if (graph[v].is_declaration() && is_float(graph.type(v).dtype))
      inputs.push_back(v);
  return inputs;
}

/// A random graph of the op from floats to floats; nullopt when the op has none, so that there is nothing to
/// check.
std::optional<Graph> differentiable_sample(const OpDef &op, Rng &rng) {
  for (int tries = 0; tries < 200; ++tries) {
    Graph graph = sample_op_graph(op, rng);
    if (is_float(graph.type(graph.returns[0].value).dtype) && !float_inputs(graph).empty())
      return graph;
  }
  return std::nullopt;
}

/// Which gradient is wrong, of those of a weighted sum of `y` and then of a weighted sum of the gradients; empty when none is.
std::string gradient_fault(Graph graph, Value y, Bindings inputs, Rng &rng) {
  const std::string text = print(graph);
  std::vector<Value> wrt = float_inputs(graph);
  Value loss = weighted_sum(graph, y, inputs, rng);
  GradientCheck first = check_gradients(graph, loss, wrt, inputs);
  if (!(first.error < kTolerance))
    return "wrong gradient: " + first.worst + "\n" + text;

  std::vector<Value> gradients = differentiate(graph, loss, wrt);
  Value second_loss = weighted_sum(graph, gradients[0], inputs, rng);
  for (size_t n = 1; n < gradients.size(); ++n)
    second_loss = graph.add("add", {second_loss, weighted_sum(graph, gradients[n], inputs, rng)});
  GradientCheck second = check_gradients(graph, second_loss, wrt, inputs);
  if (!(second.error < kTolerance))
    return "wrong second derivative: " + second.worst + "\n" + text;
  return "";
}

/// Stops at the first bad sample.
void check_op(const OpDef &op) {
  Rng rng(1);
  for (int i = 0; i < kSamples; ++i) {
    const auto graph = differentiable_sample(op, rng);
    const std::string fault =
        graph ? gradient_fault(*graph, graph->returns[0].value, sample_inputs(*graph, rng), rng) : "";
    if (!fault.empty()) {
      FAIL_CHECK("op " << op.name << ": " << fault);
      return;
    }
  }
  SUCCEED();
}

} // namespace

TEST_CASE("every op has a sampler") {
  for (const OpDef *op : all_ops()) {
    INFO(op->name);
    CHECK(has_sampler(*op));
  }
}

TEST_CASE("gradients of every op agree with finite differences") {
  for (const OpDef *op : all_ops()) {
    if (!op->gradient || !has_sampler(*op) || kExempt.contains(op->name))
      continue;
    DYNAMIC_SECTION(op->name) { check_op(*op); }
  }
}

TEST_CASE("gradients of a composite function agree with finite differences, twice") {
  Rng rng(7);
  Graph graph;
  Value x = graph.declare(Role::input, "x", Type{DType::f64, {3, 4}});
  Value w = graph.declare(Role::input, "w", Type{DType::f64, {4, 5}});
  Value b = graph.declare(Role::input, "b", Type{DType::f64, {5}});
  Value hidden =
      graph.add("tanh", {graph.add("add", {graph.add("contract", {x, w}, {{"indices", "bi,io->bo"}}), b})});
  Value top = graph.add("max", {hidden}, {{"axes", std::vector<int64_t>{1}}, {"keep", true}});
  Value shifted = graph.add("exp", {graph.add("sub", {hidden, top})});
  Value total = graph.add("sum", {shifted}, {{"axes", std::vector<int64_t>{1}}, {"keep", true}});
  Value softmax = graph.add("div", {shifted, total});
  Value y = graph.add("contract", {softmax, hidden}, {{"indices", "bo,bo->b"}});
  CHECK(gradient_fault(graph, y, sample_inputs(graph, rng), rng) == "");
}

TEST_CASE("no gradient flows through stop_gradient") {
  Graph graph = parse_graph(
      "graph @g {\n  input %x : f64[]\n  %0 = stop_gradient %x\n  %1 = mul %0, %x\n  return %1\n}\n");
  std::vector<Value> gradients = differentiate(graph, graph.returns[0].value, {*graph.find("x")});
  graph.returns = {{"dx", gradients[0]}};
  Tensor x(Type{DType::f64, {}});
  x.floats = {3};
  CHECK(evaluate_returns(graph, {{"x", x}})[0].floats == std::vector<double>{3}); // not 2 x
}

TEST_CASE("elements that tie for the maximum share its gradient evenly") {
  Graph graph = parse_graph("graph @g {\n  input %x : f64[4]\n  %0 = max %x {axes=[0]}\n  return %0\n}\n");
  Value x = *graph.find("x");
  std::vector<Value> gradients = differentiate(graph, graph.returns[0].value, {x});
  graph.returns = {{"dx", gradients[0]}};
  Tensor tied(Type{DType::f64, {4}});
  tied.floats = {1, 3, 2, 3};
  CHECK(evaluate_returns(graph, {{"x", tied}})[0].floats == std::vector<double>{0, 0.5, 0, 0.5});
}
