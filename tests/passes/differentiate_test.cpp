// Reverse mode: which nodes take part, how adjoints add up and sum over broadcast axes, and what cannot be differentiated.
// The derivatives of single ops are checked in op_gradients_test.cpp.
#include "passes/differentiate.h"

#include "ir/interpreter.h"
#include "ir/text/text.h"
#include "ir/op.h"
#include "ir/verifier.h"
#include "tests/support/gradient_check.h"
#include "tests/support/random_graph.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace gradc;
using namespace gradc::tests;

namespace {

/// The gradients of the first return with respect to the named declarations, at the given values.
std::vector<Tensor> gradients_at(const std::string &text, const std::vector<std::string> &names, const Bindings &at) {
  Graph graph = parse_graph(text);
  std::vector<Value> wrt;
  for (const std::string &name : names)
    wrt.push_back(*graph.find(name));
  const std::vector<Value> gradients = differentiate(graph, graph.returns[0].value, wrt);
  verify(graph);
  const std::vector<Tensor> values = interpret_all(graph, at);
  std::vector<Tensor> result;
  for (Value g : gradients)
    result.push_back(values[g]);
  return result;
}

Tensor tensor(Shape shape, std::vector<double> values) {
  Tensor t(Type{DType::f64, std::move(shape)});
  t.floats = std::move(values);
  return t;
}

/// An op that no rule differentiates.
const OpDef &op_without_rule() {
  static const OpDef op = [] {
    OpDef result = *find_op("tanh");
    result.name = "mystery";
    result.gradient = nullptr;
    return result;
  }();
  return op;
}

} // namespace

TEST_CASE("a part of a graph is pulled back from several outputs to values inside it") {
  // u = x w, y = u u, z = sin u: dy du + dz du = a 2u + b cos u, at w it is x times that, and x takes no part.
  Graph graph = parse_graph("graph @part {\n  input %x : f64[]\n  param %w : f64[]\n  input %a : f64[]\n  input %b : f64[]\n"
                            "  %0 = mul %x, %w : f64[]\n  %1 = mul %0, %0 : f64[]\n  %2 = sin %0 : f64[]\n"
                            "  %3 = add %1, %2 : f64[]\n  return %3\n}\n");
  const Value w = *graph.find("w"), a = *graph.find("a"), b = *graph.find("b");
  const Value u = 4, y = 5, z = 6, sum = 7;
  const std::vector<Value> parts = pull_back(graph, {y, z}, {a, b}, {u, w});
  const std::vector<Value> twice = pull_back(graph, {sum, y}, {a, b}, {u}); // y counts with both adjoints
  verify(graph);
  const double x = 0.5, at = 3, first = 0.7, second = -1.1;
  const std::vector<Tensor> values = interpret_all(
      graph, {{"x", tensor({}, {x})}, {"w", tensor({}, {at})}, {"a", tensor({}, {first})}, {"b", tensor({}, {second})}});
  const double du = first * 2 * x * at + second * std::cos(x * at);
  CHECK(values[parts[0]].floats[0] == Approx(du));
  CHECK(values[parts[1]].floats[0] == Approx(x * du));
  CHECK(values[twice[0]].floats[0] == Approx((first + second) * 2 * x * at + first * std::cos(x * at)));
}

TEST_CASE("adjoints of a value with several readers add up") {
  // d/dx (x x + x) = 2 x + 1
  const auto g = gradients_at("graph @g {\n  param %x : f64[]\n  %0 = mul %x, %x : f64[]\n  %1 = add %0, %x : f64[]\n"
                              "  return %1 as loss\n}\n",
                              {"x"}, {{"x", tensor({}, {3})}});
  CHECK(g[0].floats == std::vector<double>{7});
}

TEST_CASE("adjoints sum over broadcast axes, leading ones and those of extent 1") {
  // sum_ij a_j b_i: d/da_j = sum_i b_i, d/db_i = sum_j a_j
  const auto g = gradients_at("graph @g {\n  param %a : f64[3]\n  param %b : f64[2,1]\n  %0 = mul %a, %b : f64[2,3]\n"
                              "  %1 = sum %0 {axes=[0,1]} : f64[]\n  return %1 as loss\n}\n",
                              {"a", "b"}, {{"a", tensor({3}, {1, 2, 4})}, {"b", tensor({2, 1}, {10, 20})}});
  CHECK(g[0].floats == std::vector<double>{30, 30, 30});
  CHECK(g[1].type.shape == Shape{2, 1});
  CHECK(g[1].floats == std::vector<double>{7, 7});
}

TEST_CASE("a value the loss does not depend on has the gradient zero, in its type") {
  const auto g = gradients_at("graph @g {\n  param %x : f64[]\n  param %y : f32[2,3]\n  %0 = stop_gradient %x : f64[]\n"
                              "  return %0 as loss\n}\n",
                              {"x", "y"}, {{"x", tensor({}, {3})}, {"y", Tensor(Type{DType::f32, {2, 3}})}});
  CHECK(g[0].floats == std::vector<double>{0});
  CHECK(g[1].type == Type{DType::f32, {2, 3}});
}

TEST_CASE("the loss itself and values on the way can be differentiated by") {
  Graph graph = parse_graph("graph @g {\n  param %x : f64[]\n  %0 = mul %x, %x : f64[]\n  %1 = exp %0 : f64[]\n"
                            "  return %1 as loss\n}\n");
  const Value square = 1, loss = 2;
  const std::vector<Value> g = differentiate(graph, loss, {loss, square});
  const std::vector<Tensor> values = interpret_all(graph, {{"x", tensor({}, {2})}});
  CHECK(values[g[0]].floats == std::vector<double>{1});
  CHECK(values[g[1]].floats == values[loss].floats);
}

TEST_CASE("nothing flows through integers and bools") {
  const auto g = gradients_at("graph @g {\n  param %x : f64[]\n  %0 = cast %x : i32[]\n  %1 = cast %0 : f64[]\n"
                              "  %2 = add %1, %x : f64[]\n  return %2 as loss\n}\n",
                              {"x"}, {{"x", tensor({}, {2.5})}});
  CHECK(g[0].floats == std::vector<double>{1});
}

TEST_CASE("every op without a gradient on the way is reported with its place, and the graph is left as it was") {
  Graph graph;
  const Value x = graph.declare(Role::param, "x", Type{DType::f64, {2}});
  const Value first = graph.add(op_without_rule(), {x}, {}, "/layers/0");
  const Value second = graph.add(op_without_rule(), {first}, {}, "/layers/1");
  const Value loss = graph.add("sum", {second}, {{"axes", std::vector<int64_t>{0}}});
  const size_t size = graph.size();
  try {
    differentiate(graph, loss, {x});
    FAIL("differentiated without a rule");
  } catch (const NotDifferentiable &e) {
    REQUIRE(e.places.size() == 2);
    CHECK(e.places[0].location == "/layers/0");
    CHECK(e.places[1].location == "/layers/1");
    CHECK(std::string(e.what()) ==
          "the loss cannot be differentiated; no gradient is known for 'mystery' at /layers/0, 'mystery' at /layers/1");
  }
  CHECK(graph.size() == size);
}

TEST_CASE("an op without a gradient beside the way is no error") {
  Graph graph;
  const Value x = graph.declare(Role::param, "x", Type{DType::f64, {}});
  const Value data = graph.declare(Role::input, "data", Type{DType::f64, {}});
  const Value stopped = graph.add("stop_gradient", {graph.add(op_without_rule(), {x})});
  const Value sum = graph.add("add", {graph.add(op_without_rule(), {data}), stopped});
  CHECK_NOTHROW(differentiate(graph, graph.add("mul", {sum, x}), {x}));
}

TEST_CASE("gradients carry the place of the node they come from") {
  Graph graph;
  const Value x = graph.declare(Role::param, "x", Type{DType::f64, {}});
  const Value y = graph.add("tanh", {x}, {}, "/layers/3");
  CHECK(graph[differentiate(graph, y, {x})[0]].location == "/layers/3");
}

TEST_CASE("gradients of whole random graphs agree with finite differences") {
  // Without stop_gradient, and without ops whose kinks a step of the differences may cross.
  const std::vector<std::string_view> kSkipped = {"stop_gradient", "max", "select", "abs", "floor", "sign", "maximum", "minimum"};
  int checked = 0;
  for (uint64_t seed = 0; checked < 40; ++seed) {
    Graph graph = random_graph(seed, {.steps = 8, .max_elements = 60, .train = false});
    if (std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node &node) {
          return !node.is_declaration() && std::count(kSkipped.begin(), kSkipped.end(), node.op->name) > 0;
        }))
      continue;
    Rng rng(seed);
    Bindings inputs = sample_inputs(graph, rng);
    if (graph[0].type.dtype != DType::f64)
      continue;
    std::vector<Value> wrt;
    for (Value v = 0; v < graph.size(); ++v)
      if (graph[v].role == Role::param)
        wrt.push_back(v);
    const Value loss = weighted_sum(graph, graph.returns[0].value, inputs, rng);
    const GradientCheck check = check_gradients(graph, loss, wrt, inputs);
    INFO("seed " << seed << "\n" << print(graph) << check.worst);
    CHECK(check.error < 1e-6);
    ++checked;
  }
}
