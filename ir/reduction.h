// What sum, max and argmax share: which dims are reduced, the shape that is left, and the lowering.
#pragma once

#include "ir/lowering/lower.h"
#include "ir/op.h"

namespace gradc {

/// For every dim of the operand, whether `axes` names it. Throws Error unless they are different dims.
std::vector<bool> reduced_dims(const std::vector<int64_t> &axes, size_t rank);
/// `operand` with the reduced dims 1 if `keep`, else left out.
Shape reduced_shape(const Shape &operand, const std::vector<bool> &reduced, bool keep);

/// The type rule of a reduction with attributes `axes` and `keep`: floats and integers keep their dtype.
Type infer_reduction(const Signature &);
/// The lowering of a reduction of operand 0 over `reduced`, where `at` is an index of the result.
ExprId lower_reduction(NodeLowering &, Combiner, const std::vector<bool> &reduced, bool keep,
                       const Index &at);

/// A value of the forward node's result type, reshaped so that it broadcasts against operand 0.
Var with_reduced_dims(const Adjoint &, Var);

/// Calls `visit(from, to)` for every element of the operand, row-major: its flat position, and that of the
/// element of the result it goes into.
void for_each_reduced(const Shape &operand, const std::vector<bool> &reduced,
                      const std::function<void(int64_t from, int64_t to)> &visit);

} // namespace gradc
