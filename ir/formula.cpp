// Formulas over values of a graph: see ir/formula.h.
#include "ir/formula.h"

#include "ir/error.h"

#include <numeric>

namespace gradc {

Var apply(std::string_view op, std::vector<Var> inputs, Attrs attrs, std::optional<Type> declared) {
  const Scope *scope = inputs.front().scope;
  std::vector<Value> values;
  for (const Var &input : inputs)
    values.push_back(input.value);
  return {scope, scope->graph.add(op, std::move(values), std::move(attrs), scope->location, std::move(declared))};
}

Var source(const Scope &scope, std::string_view op, Attrs attrs, Type type) {
  return {&scope, scope.graph.add(op, {}, std::move(attrs), scope.location, std::move(type))};
}

Var constant(const Scope &scope, Literal literal, Type type) {
  return {&scope, scope.graph.constant(literal.value, std::move(type), scope.location)};
}

Var number_like(Var like, Literal literal) { return constant(*like.scope, literal, Type{like.dtype(), {}}); }

Var operator+(Var a, Var b) { return apply("add", {a, b}); }
Var operator-(Var a, Var b) { return apply("sub", {a, b}); }
Var operator*(Var a, Var b) { return apply("mul", {a, b}); }
Var operator/(Var a, Var b) { return apply("div", {a, b}); }
Var operator-(Var a) { return apply("neg", {a}); }

Var abs(Var x) { return apply("abs", {x}); }
Var exp(Var x) { return apply("exp", {x}); }
Var expm1(Var x) { return apply("expm1", {x}); }
Var log(Var x) { return apply("log", {x}); }
Var log1p(Var x) { return apply("log1p", {x}); }
Var sqrt(Var x) { return apply("sqrt", {x}); }
Var sigmoid(Var x) { return apply("sigmoid", {x}); }
Var sign(Var x) { return apply("sign", {x}); }
Var tanh(Var x) { return apply("tanh", {x}); }
Var erf(Var x) { return apply("erf", {x}); }
Var erfc(Var x) { return apply("erfc", {x}); }
Var sin(Var x) { return apply("sin", {x}); }
Var cos(Var x) { return apply("cos", {x}); }
Var floor(Var x) { return apply("floor", {x}); }
Var square(Var x) { return x * x; }
Var pow(Var base, Var exponent) { return apply("pow", {base, exponent}); }
Var pow(Literal base, Var exponent) { return pow(number_like(exponent, base), exponent); }
Var maximum(Var a, Var b) { return apply("maximum", {a, b}); }
Var minimum(Var a, Var b) { return apply("minimum", {a, b}); }
Var greater(Var a, Var b) { return apply("gt", {a, b}); }
Var greater(Var a, Literal b) { return greater(a, number_like(a, b)); }
Var less(Var a, Var b) { return apply("lt", {a, b}); }
Var equal(Var a, Var b) { return apply("eq", {a, b}); }
Var equal(Var a, Literal b) { return equal(a, number_like(a, b)); }
Var select(Var condition, Var yes, Var no) { return apply("select", {condition, yes, no}); }
Var select(Var condition, Var yes, Literal no) { return select(condition, yes, number_like(yes, no)); }
Var select(Var condition, Literal yes, Var no) { return select(condition, number_like(no, yes), no); }
Var stop_gradient(Var x) { return apply("stop_gradient", {x}); }

Var with_gradient_of(Var value, Var stand_in) {
  internal_check(value.scope->stand_ins, "with_gradient_of: nobody replaces the stand-in here");
  value.scope->stand_ins->emplace_back(value.value, stand_in.value);
  return stand_in;
}

void drop_stand_ins(Graph &graph, const StandIns &stand_ins) {
  std::vector<Value> image(graph.size());
  std::iota(image.begin(), image.end(), Value{0});
  for (auto [value, stand_in] : stand_ins)
    image[stand_in] = value;
  for (Node &node : graph.nodes)
    for (Value &input : node.inputs)
      input = image[input];
  for (Return &r : graph.returns)
    r.value = image[r.value];
}

Var cast(Var x, DType dtype) {
  return x.dtype() == dtype ? x : apply("cast", {x}, {}, Type{dtype, x.shape()});
}

Var reshape(Var x, Shape shape) {
  return x.shape() == shape ? x : apply("reshape", {x}, {}, Type{x.dtype(), std::move(shape)});
}

static Var reduce(std::string_view op, Var x, std::vector<int64_t> axes, bool keep) {
  return axes.empty() ? x : apply(op, {x}, {{"axes", std::move(axes)}, {"keep", keep}});
}

Var sum(Var x, std::vector<int64_t> axes, bool keep) { return reduce("sum", x, std::move(axes), keep); }

Var sum(Var x) {
  std::vector<int64_t> axes(static_cast<size_t>(x.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  return sum(x, std::move(axes), false);
}

Var sum_last(Var x) { return sum(x, {x.rank() - 1}, false); }
Var sum_last_keep(Var x) { return sum(x, {x.rank() - 1}, true); }
Var max_last_keep(Var x) { return reduce("max", x, {x.rank() - 1}, true); }
Var argmax_last(Var x) { return apply("argmax", {x}, {{"axes", std::vector<int64_t>{x.rank() - 1}}}); }
Var mean(Var x) { return sum(x) * (1.0 / static_cast<double>(x.type().elements())); }

} // namespace gradc
