// Elementary functions as straight-line vector IR, and the errors they guarantee.
//
// Bounds of the error in ULP of the result, over all inputs but where said; tests/vector_math_test.cpp
// measures and asserts them. "no FMA" is for targets without a fused multiply-add.
//
//              f32   no FMA    f64   no FMA
//   exp        1     1.25      1.25  1.25
//   expm1      1.75  2         2     2.25
//   tanh       1.75  1.75      2.75  2.75
//   sigmoid    1     1.5       1     1.5
//   log        1     1.25      1     1
//   log1p      1.75  2         1.5   1.5
//   erf        1     1.5       1.25  1.5
//   sin, cos   1.75  2.5       1.75  2.5
//   ... |x| <= 1e5   1e4       1e8   1e6, and beyond only |result| <= 1
//   sqrt       0.5   0.5       0.5   0.5
//   rsqrt      1.5   1.5       1.5   1.5
//   pow        0.51  0.51      1.5   1.5
//
// Special values follow C99 Annex F: signed zeros, infinities, NaN, denormal arguments and results. Equal
// arguments give equal bits at any lane count and with or without AVX-512.
#pragma once

#include "ir/kernel.h"

namespace llvm {
class IRBuilderBase;
class Value;
} // namespace llvm

namespace gradc {

/// What the instruction set offers. Without `fma`, llvm.fma would become a call into libm, so it is not used.
struct MathTarget {
  bool fma = false;
  bool avx512f = false; // vscalefps / vscalefpd, used for whole 512-bit registers; results are the same bits
};

/// op(x) for the unary functions exp, log, log1p, expm1, tanh, sigmoid, erf, sin, cos, sqrt, rsqrt. x is
/// float, double or a fixed vector of either. Emits no branches, no calls, no loads other than constants; the
/// fast-math flags of the builder are ignored and restored. Any other op is an internal fault.
llvm::Value *emit_math(llvm::IRBuilderBase &b, ScalarOp op, llvm::Value *x, MathTarget target);

/// x^y with the special values of C99 (pow(x, 0) = pow(1, y) = 1, negative x with integer y). x and y have
/// one type.
llvm::Value *emit_pow(llvm::IRBuilderBase &b, llvm::Value *x, llvm::Value *y, MathTarget target);

} // namespace gradc
