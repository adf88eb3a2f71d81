// What the printer and the parser of kernels share: how scalar ops are written.
#pragma once

#include "ir/kernel.h"

namespace gradc {

/// From loosest to tightest; an operand is put in parentheses where it is looser than its place allows.
enum class Precedence : uint8_t { comparison, sum, product, atom };

/// By its symbol; an op that is written as a call is an atom.
Precedence precedence_of(ScalarOp);
/// The dtype that goes without saying, from those of the arguments.
DType result_dtype(ScalarOp, const std::vector<DType> &args);

/// Throws Overflow where the points of a stage cannot be counted.
void check_points(const Kernel &, const Stage &);
/// Throws Overflow where the position that `index` has in a tensor of that shape may leave 64 bits. Computed terms count by
/// their coefficients.
void check_position(const Kernel &, const Shape &shape, const Index &index);

} // namespace gradc
