// The functions as values of LLVM; roots, and the special values of pow.
#include "compiler/codegen/mathematics/vector_math.h"

#include "compiler/codegen/mathematics/vector_math_internal.h"

#include <limits>

namespace gradc {
namespace vector_math {

Real emit_sqrt(Real x) { return sqrt(x); }
Real emit_rsqrt(Real x) { return 1.0 / sqrt(x); }

namespace {

/// v >= 0 is an integer: adding 2^mantissa_bits leaves no room for a fraction.
Mask is_integer(Real v) {
  const double limit = v.emitter->f64() ? 0x1p52 : 0x1p23;
  return (v >= limit) | (((v + limit) - limit) == v);
}

/// |x|^y in the precision of x, for finite |x| > 0.
Real power(Emitter &e, Real x, Real y) {
  if (e.f64())
    return power_for_f64(x, y);
  Emitter wide(e.b, e.type->getWithNewType(e.b.getDoubleTy()), e.target);
  auto extend = [&](Real v) { return wide.wrap(e.b.CreateFPExt(v.value, wide.type)); };
  return e.wrap(e.b.CreateFPTrunc(power_for_f32(extend(x), extend(y)).value, e.type));
}

} // namespace

/// C99 F.9.4.4 around |x|^y.
Real emit_pow(Real x, Real y_given) {
  Emitter &e = *x.emitter;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  // Past 2^64 every y is even, and |x| != 1 gives zero or infinity already.
  Real y = at_most(at_least(y_given, -0x1p64), 0x1p64);
  Real magnitude = abs(x);
  Mask zero = magnitude == 0.0;
  Real degenerate = select(zero == (y < 0.0), infinity, e.constant(0)); // for x zero or infinite
  Mask regular = ~zero & (magnitude < infinity);
  Real result = select(regular, power(e, magnitude, y), degenerate);

  Mask integer = is_integer(abs(y));
  Mask odd = integer & ~is_integer(abs(y) * 0.5);
  result = copy_sign(result, select(odd, x, 1.0));
  Mask undefined = ((x < 0.0) & regular & ~integer) | unordered(x, y);
  result = select(undefined, std::numeric_limits<double>::quiet_NaN(), result);
  return select((x == 1.0) | (y == 0.0), 1.0, result);
}

} // namespace vector_math

using vector_math::Emitter, vector_math::Real;

llvm::Value *emit_math(llvm::IRBuilderBase &b, Real (*function)(Real), llvm::Value *x, MathTarget target) {
  llvm::IRBuilderBase::FastMathFlagGuard guard(b);
  b.clearFastMathFlags();
  Emitter e(b, x->getType(), target);
  return function(e.wrap(x)).value;
}

llvm::Value *emit_math(llvm::IRBuilderBase &b, Real (*function)(Real, Real), llvm::Value *x, llvm::Value *y,
                       MathTarget target) {
  llvm::IRBuilderBase::FastMathFlagGuard guard(b);
  b.clearFastMathFlags();
  Emitter e(b, x->getType(), target);
  return function(e.wrap(x), e.wrap(y)).value;
}

} // namespace gradc
