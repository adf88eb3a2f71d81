// What elementwise ops share: shape rules, and the lowering to and evaluation of one ScalarOp. All of them broadcast as
// NumPy does.
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
Gradients no_gradient(const Adjoint &);

} // namespace gradc
