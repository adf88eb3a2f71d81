// Formulas over graph values: what compiles, what does not, and what a gradient rule may hold on to.
#include "ir/op.h"

#include <catch2/catch.hpp>

using namespace gradc;

namespace {

template <typename A, typename B>
concept Calculates = requires(A a, B b) { a + b; } || requires(A a, B b) { a - b; } ||
                     requires(A a, B b) { a *b; } || requires(A a, B b) { a / b; };

// A number may stand on either side, with any operator.
template <typename N>
concept FitsBesideVar = requires(N n, Var x) { n + x, n - x, n *x, n / x, x + n, x - n, x *n, x / n; };
static_assert(FitsBesideVar<Var> && FitsBesideVar<double> && FitsBesideVar<int>);

// A Value is the number of a node. It must not pass for the value of the node, nor for a number in a formula.
static_assert(!Calculates<Value, Var> && !Calculates<Var, Value>);
static_assert(!Calculates<size_t, Var> && !Calculates<Var, int64_t>);
static_assert(!std::is_convertible_v<Var, Value> && !std::is_convertible_v<Value, Var>);
static_assert(!std::is_convertible_v<Value, Literal>);
template <typename N>
concept PassesForNumber = requires(N n, Var x) { select(x, x, n); } || requires(N n, Var x) { select(x, n, x); } ||
                          requires(N n, Var x) { greater(x, n); } || requires(N n, Var x) { equal(x, n); } ||
                          requires(N n, Var x) { pow(n, x); } || requires(N n, Var x) { number_like(x, n); };
static_assert(PassesForNumber<double> && !PassesForNumber<Value>);

// What a gradient rule is given are Vars.
static_assert(std::is_same_v<decltype(Adjoint::dy), const Var> && std::is_same_v<decltype(Adjoint::output), const Var>);

} // namespace

TEST_CASE("a formula appends its ops, and numbers in the dtype of the other operand") {
  Graph graph;
  const Scope scope{graph, "/here"};
  const Var x{&scope, graph.declare(Role::input, "x", {DType::f64, {3}})};
  const Var y = 1 + x;
  const Node &sum = graph[y.value];
  CHECK(sum.op->name == "add");
  CHECK(sum.location == "/here");
  CHECK(graph[sum.inputs[0]].type == Type{DType::f64, {}});
  CHECK(sum.inputs[1] == x.value);
  CHECK(graph[(2 / x).value].op->name == "div");
}

TEST_CASE("what a gradient rule knows of its node stays while the rule appends nodes") {
  Graph graph;
  const Value x = graph.declare(Role::input, "x", {DType::f32, {2, 3}});
  const Value y = graph.add("transpose", {x}, {{"perm", std::vector<int64_t>{1, 0}}}, "/here");
  const Adjoint rule(graph, y, graph.constant(1, graph.type(y)));
  const std::vector<int64_t> &perm = ints_attr(rule.attrs, "perm");
  const Type input = rule.input(0).type();
  Var sum = rule.dy;
  for (int i = 0; i < 1000; ++i)
    sum = sum + rule.dy;
  CHECK(perm == std::vector<int64_t>{1, 0});
  CHECK(input == Type{DType::f32, {2, 3}});
  CHECK(graph[sum.value].location == "/here");
}
