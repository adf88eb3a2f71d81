// Elementary functions as straight-line vector IR. tests/ops/scalar_op_rows.cpp states the error each guarantees, in ULP
// of the result, with and without a fused multiply-add, and a test measures it.
//
// Special values follow C99 Annex F: signed zeros, infinities, NaN, denormal arguments and results. Equal
// arguments give equal bits at any lane count and with or without AVX-512.
#pragma once

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

namespace vector_math {

struct Real; // a value that is computed, see vector_math_internal.h

Real emit_exp(Real);
Real emit_expm1(Real);
Real emit_tanh(Real);
Real emit_sigmoid(Real);
Real emit_log(Real);
Real emit_log1p(Real);
Real emit_erf(Real);
Real emit_erfc(Real);
Real emit_sin(Real);
Real emit_cos(Real);
Real emit_sqrt(Real);
Real emit_rsqrt(Real);
/// x^y with the special values of C99: pow(x, 0) = pow(1, y) = 1, negative x with integer y.
Real emit_pow(Real x, Real y);

} // namespace vector_math

/// One of the functions above of x, or of x and y of one type: float, double or a fixed vector of either. Emits no branches,
/// no calls, no loads other than constants; the fast-math flags of the builder are ignored and restored.
llvm::Value *emit_math(llvm::IRBuilderBase &, vector_math::Real (*)(vector_math::Real), llvm::Value *x, MathTarget);
llvm::Value *emit_math(llvm::IRBuilderBase &, vector_math::Real (*)(vector_math::Real, vector_math::Real), llvm::Value *x,
                       llvm::Value *y, MathTarget);

} // namespace gradc
