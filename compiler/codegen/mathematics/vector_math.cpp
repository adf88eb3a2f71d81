// Which emitter serves which op, and the special values of pow.
#include "compiler/codegen/mathematics/vector_math.h"

#include "compiler/codegen/mathematics/vector_math_internal.h"
#include "ir/error.h"

#include <limits>

namespace gradc {

namespace {

using namespace vector_math;

Real emit_unary(ScalarOp op, Real x) {
  switch (op) {
  case ScalarOp::exp:
    return emit_exp(x);
  case ScalarOp::expm1:
    return emit_expm1(x);
  case ScalarOp::tanh:
    return emit_tanh(x);
  case ScalarOp::sigmoid:
    return emit_sigmoid(x);
  case ScalarOp::log:
    return emit_log(x);
  case ScalarOp::log1p:
    return emit_log1p(x);
  case ScalarOp::erf:
    return emit_erf(x);
  case ScalarOp::sin:
    return emit_sin(x);
  case ScalarOp::cos:
    return emit_cos(x);
  case ScalarOp::sqrt:
    return sqrt(x);
  case ScalarOp::rsqrt:
    return 1.0 / sqrt(x);
  default:
    throw InternalFault("emit_math has no '" + std::string(to_string(op)) + "'");
  }
}

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

/// C99 F.9.4.4 around |x|^y.
Real emit_power(Emitter &e, Real x, Real y_given) {
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

} // namespace

llvm::Value *emit_math(llvm::IRBuilderBase &b, ScalarOp op, llvm::Value *x, MathTarget target) {
  llvm::IRBuilderBase::FastMathFlagGuard guard(b);
  b.clearFastMathFlags();
  Emitter e(b, x->getType(), target);
  return emit_unary(op, e.wrap(x)).value;
}

llvm::Value *emit_pow(llvm::IRBuilderBase &b, llvm::Value *x, llvm::Value *y, MathTarget target) {
  llvm::IRBuilderBase::FastMathFlagGuard guard(b);
  b.clearFastMathFlags();
  Emitter e(b, x->getType(), target);
  return emit_power(e, e.wrap(x), e.wrap(y)).value;
}

} // namespace gradc
