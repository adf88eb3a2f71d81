// What elementwise ops share: shape rules, the lowering to and evaluation of one ScalarOp, and Term, with
// which gradient rules read as formulas. All of them broadcast as NumPy does.
#pragma once

#include "ir/lowering/lower.h"
#include "ir/op.h"

namespace gradc {

// Shape rules. The result has the broadcast shape of the operands, which must have one dtype.
Type infer_float(const Signature &);   // f32 or f64
Type infer_number(const Signature &);  // any dtype but bool
Type infer_logical(const Signature &); // bool
Type infer_order(const Signature &);   // compares numbers; the result is bool
Type infer_equal(const Signature &);   // compares anything; the result is bool
/// The broadcast shape of operands of any dtypes.
Shape infer_broadcast(const Signature &);
/// Throws Error unless `dtype` is a float; `what` names the culprit, e.g. "operand 0".
void check_float(DType dtype, const std::string &what);

ExprId lower_elementwise(ScalarOp, NodeLowering &, const Index &at);
void evaluate_elementwise(ScalarOp, std::span<const Tensor *const> inputs, Tensor &result);

// The same as rules of an OpDef.
template <ScalarOp op> ExprId lower_elementwise(NodeLowering &l, const Index &at) {
  return lower_elementwise(op, l, at);
}
template <ScalarOp op>
void evaluate_elementwise(const Node &, std::span<const Tensor *const> inputs, Tensor &result) {
  evaluate_elementwise(op, inputs, result);
}

/// Every operand has the gradient zero wherever there is one: steps, comparisons, integers, sources.
std::vector<Value> no_gradient(const Adjoint &);

/// A value under the arithmetic of a gradient rule: operators append nodes to the graph, numbers become
/// constants of the output's dtype.
class Term {
public:
  Term(const Adjoint &rule, Value value) : rule_(&rule), value_(value) {}
  operator Value() const { return value_; }

  Term apply(std::string_view op) const { return {*rule_, rule_->add(op, {value_})}; }
  Term apply(std::string_view op, Value other) const { return {*rule_, rule_->add(op, {value_, other})}; }
  Term number(double x) const { return {*rule_, rule_->constant(x)}; }
  Term lift(double x) const { return number(x); }
  Term lift(int x) const { return number(x); }
  Term lift(Value x) const { return {*rule_, x}; }
  /// Where this, a bool, holds `yes`, elsewhere `no`.
  Term choose(Value yes, Value no) const { return {*rule_, rule_->add("select", {value_, yes, no})}; }

private:
  const Adjoint *rule_;
  Value value_;
};

inline Term input(const Adjoint &rule, int n) { return {rule, rule.input(n)}; }
inline Term output(const Adjoint &rule) { return {rule, rule.output}; }
inline Term adjoint(const Adjoint &rule) { return {rule, rule.dy}; }

inline Term operator-(Term x) { return x.apply("neg"); }
inline Term operator+(Term x, Term y) { return x.apply("add", y); }
inline Term operator-(Term x, Term y) { return x.apply("sub", y); }
inline Term operator*(Term x, Term y) { return x.apply("mul", y); }
inline Term operator/(Term x, Term y) { return x.apply("div", y); }
// One side may be a number or a plain value. (Templates, or the compiler would rather multiply the values'
// numbers.)
template <typename T> Term operator+(Term x, T y) { return x + x.lift(y); }
template <typename T> Term operator-(Term x, T y) { return x - x.lift(y); }
template <typename T> Term operator*(T x, Term y) { return y.lift(x) * y; }
template <typename T> Term operator-(T x, Term y) { return y.lift(x) - y; }
template <typename T> Term operator*(Term x, T y) { return x * x.lift(y); }
template <typename T> Term operator/(Term x, T y) { return x / x.lift(y); }

} // namespace gradc
