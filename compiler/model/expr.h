// Formulas over graph values that read as formulas: `e / (1 + e)` appends the nodes. Numbers become rank-0
// constants of the other operand's dtype; elementwise ops broadcast as NumPy's.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Pairs of a value and the stand-in through which its gradient flows; see with_gradient_of().
using StandIns = std::vector<std::pair<Value, Value>>;

/// Where new nodes go and which place of the model file they come from. Outlives the expressions made in it.
struct Scope {
  Graph &graph;
  std::string location;
  StandIns *stand_ins;
};

struct Var {
  Scope *scope;
  Value value;

  const Type &type() const { return scope->graph.type(value); }
  const Shape &shape() const { return type().shape; }
  DType dtype() const { return type().dtype; }
  int64_t rank() const { return static_cast<int64_t>(shape().size()); }
};

/// The op applied to `inputs`, in the scope of the first.
Var apply(std::string_view op, std::vector<Var> inputs, Attrs attrs = {}, std::optional<Type> declared = {});
/// A rank-0 constant of the dtype of `like`.
Var number_like(Var like, double value);

Var operator+(Var, Var);
Var operator-(Var, Var);
Var operator*(Var, Var);
Var operator/(Var, Var);
Var operator-(Var);
inline Var operator+(Var a, double b) { return a + number_like(a, b); }
inline Var operator-(Var a, double b) { return a - number_like(a, b); }
inline Var operator*(Var a, double b) { return a * number_like(a, b); }
inline Var operator/(Var a, double b) { return a / number_like(a, b); }
inline Var operator+(double a, Var b) { return number_like(b, a) + b; }
inline Var operator-(double a, Var b) { return number_like(b, a) - b; }
inline Var operator*(double a, Var b) { return number_like(b, a) * b; }
inline Var operator/(double a, Var b) { return number_like(b, a) / b; }

Var abs(Var);
Var exp(Var);
Var expm1(Var);
Var log(Var);
Var log1p(Var);
Var sqrt(Var);
Var sigmoid(Var);
Var tanh(Var);
Var erf(Var);
Var cos(Var);
Var floor(Var);
Var square(Var);
Var pow(double base, Var exponent);
Var maximum(Var, Var);
Var minimum(Var, Var);
Var greater(Var, Var);
Var greater(Var, double);
Var less(Var, Var);
Var equal(Var, Var);
Var select(Var condition, Var yes, Var no);
Var select(Var condition, Var yes, double no);
Var stop_gradient(Var);
/// `value`, with the gradient of `stand_in`: two formulas of the same value, the first through stop_gradient.
/// The result is the stand-in; once the graph is differentiated, its readers are given `value`
/// (drop_stand_ins).
Var with_gradient_of(Var value, Var stand_in);
void drop_stand_ins(Graph &, const StandIns &);
/// The value itself when it has that dtype already.
Var cast(Var, DType);
/// The value itself when it has that shape already.
Var reshape(Var, Shape);
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
