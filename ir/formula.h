// Formulas over values of a graph that read as formulas: `e / (1 + e)` appends the nodes. Gradient rules and the
// model builder are written in them. Elementwise ops broadcast as NumPy's; a number becomes a rank-0 constant of
// the other operand's dtype.
#pragma once

#include "ir/graph.h"

#include <concepts>

namespace gradc {

/// Pairs of a value and the stand-in through which its gradient flows; see with_gradient_of().
using StandIns = std::vector<std::pair<Value, Value>>;

/// Where new nodes go, and which place of the model file they come from. Outlives the formulas made in it.
struct Scope {
  Graph &graph;
  std::string location;
  StandIns *stand_ins = nullptr; // null where with_gradient_of() is not used
};

/// A value in a formula. A bare Value is a number that the compiler would gladly calculate with, so neither becomes the
/// other by itself.
struct Var {
  const Scope *scope;
  Value value;

  // Copies: a reference into the graph would not survive the next node.
  Type type() const { return scope->graph.type(value); }
  Shape shape() const { return type().shape; }
  DType dtype() const { return scope->graph.type(value).dtype; }
  int64_t rank() const { return static_cast<int64_t>(scope->graph.type(value).rank()); }
};

/// A number written in a formula: made from a double or an int, and from nothing else, or the number of a node would
/// pass.
struct Literal {
  double value;
  template <typename T>
    requires std::same_as<T, double> || std::same_as<T, int>
  Literal(T x) : value(x) {}
};

/// The op applied to `inputs`, in the scope of the first.
Var apply(std::string_view op, std::vector<Var> inputs, Attrs attrs = {}, std::optional<Type> declared = {});
/// The result of an op without operands.
Var source(const Scope &, std::string_view op, Attrs attrs, Type type);
/// Every element is that number.
Var constant(const Scope &, Literal, Type);
/// A rank-0 constant of the dtype of `like`.
Var number_like(Var like, Literal);

Var operator+(Var, Var);
Var operator-(Var, Var);
Var operator*(Var, Var);
Var operator/(Var, Var);
Var operator-(Var);
inline Var operator+(Var a, Literal b) { return a + number_like(a, b); }
inline Var operator-(Var a, Literal b) { return a - number_like(a, b); }
inline Var operator*(Var a, Literal b) { return a * number_like(a, b); }
inline Var operator/(Var a, Literal b) { return a / number_like(a, b); }
inline Var operator+(Literal a, Var b) { return number_like(b, a) + b; }
inline Var operator-(Literal a, Var b) { return number_like(b, a) - b; }
inline Var operator*(Literal a, Var b) { return number_like(b, a) * b; }
inline Var operator/(Literal a, Var b) { return number_like(b, a) / b; }

Var abs(Var);
Var exp(Var);
Var expm1(Var);
Var log(Var);
Var log1p(Var);
Var sqrt(Var);
Var sigmoid(Var);
Var sign(Var);
Var tanh(Var);
Var erf(Var);
Var erfc(Var);
Var sin(Var);
Var cos(Var);
Var floor(Var);
Var square(Var);
Var pow(Var base, Var exponent);
Var pow(Literal base, Var exponent);
Var maximum(Var, Var);
Var minimum(Var, Var);
Var greater(Var, Var);
Var greater(Var, Literal);
Var less(Var, Var);
Var equal(Var, Var);
Var equal(Var, Literal);
Var select(Var condition, Var yes, Var no);
Var select(Var condition, Var yes, Literal no);
Var select(Var condition, Literal yes, Var no);
Var stop_gradient(Var);
/// `value`, with the gradient of `stand_in`: two formulas of the same value, the first through stop_gradient.
/// The result is the stand-in; once the graph is differentiated, its readers are given `value` (drop_stand_ins).
Var with_gradient_of(Var value, Var stand_in);
void drop_stand_ins(Graph &, const StandIns &);
/// The value itself when it has that dtype already.
Var cast(Var, DType);
/// The value itself when it has that shape already.
Var reshape(Var, Shape);
/// Over `axes`, which stay with extent 1 if `keep`; the value itself when there are none.
Var sum(Var, std::vector<int64_t> axes, bool keep);
/// Over every axis, to rank 0.
Var sum(Var);
/// Over the last axis, which is dropped.
Var sum_last(Var);
/// Over the last axis, which stays with extent 1.
Var sum_last_keep(Var);
Var max_last_keep(Var);
Var argmax_last(Var);
/// Over every element, to rank 0.
Var mean(Var);

} // namespace gradc
