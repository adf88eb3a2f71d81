// The algebra behind the vector math files: each operator is one IR instruction. Also the pieces several
// functions share, which treat a number as exponent and mantissa.
#include "compiler/codegen/mathematics/vector_math_internal.h"

#include "ir/error.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/IntrinsicsX86.h>
#pragma GCC diagnostic pop

#include <bit>
#include <numeric>
#include <vector>

namespace gradc::vector_math {

namespace {

constexpr FloatFormat kF32{false, 23, 127, 0x1.8p23, 0x1p-126};
constexpr FloatFormat kF64{true, 52, 1023, 0x1.8p52, 0x1p-1022};

llvm::Value *unary_intrinsic(llvm::Intrinsic::ID id, Real x) {
  return x.emitter->b.CreateUnaryIntrinsic(id, x.value);
}

/// The bit pattern of a number representable in the format.
int64_t pattern(const FloatFormat &format, double x) {
  if (format.is_f64)
    return std::bit_cast<int64_t>(x);
  return std::bit_cast<int32_t>(static_cast<float>(x));
}

} // namespace

Emitter::Emitter(llvm::IRBuilderBase &builder, llvm::Type *type, MathTarget target)
    : b(builder), target(target), format(type->getScalarType()->isDoubleTy() ? kF64 : kF32), type(type) {
  internal_check(type->getScalarType()->isFloatTy() || type->getScalarType()->isDoubleTy(),
                 "vector math wants float or double");
  bits_type = type->getWithNewType(b.getIntNTy(type->getScalarSizeInBits()));
}

Real Emitter::constant(double value) { return wrap(llvm::ConstantFP::get(type, value)); }
Bits Emitter::bits_constant(int64_t value) { return {this, llvm::ConstantInt::getSigned(bits_type, value)}; }

Real mul_add(Real x, Real y, Real z) {
  Emitter &e = *x.emitter;
  if (!e.target.fma)
    return x * y + z;
  return e.wrap(e.b.CreateIntrinsic(e.type, llvm::Intrinsic::fma, {x.value, y.value, z.value}));
}

Real polynomial(Real x, std::span<const double> coefficients) {
  const size_t count = coefficients.size(), step = count < 5 ? 1 : 2;
  Real power = step == 1 ? x : x * x;
  auto terms = [&](size_t i) {
    Real constant = x.emitter->constant(coefficients[i]);
    return step == 2 && i + 1 < count ? mul_add(x, coefficients[i + 1], constant) : constant;
  };
  size_t i = (count - 1) / step * step;
  Real y = terms(i);
  for (; i > 0; i -= step)
    y = mul_add(y, power, terms(i - step));
  return y;
}

Real operator+(Real x, Real y) { return x.emitter->wrap(x.emitter->b.CreateFAdd(x.value, y.value)); }
Real operator-(Real x, Real y) { return x.emitter->wrap(x.emitter->b.CreateFSub(x.value, y.value)); }
Real operator*(Real x, Real y) { return x.emitter->wrap(x.emitter->b.CreateFMul(x.value, y.value)); }
Real operator/(Real x, Real y) { return x.emitter->wrap(x.emitter->b.CreateFDiv(x.value, y.value)); }
Real operator-(Real x) { return x.emitter->wrap(x.emitter->b.CreateFNeg(x.value)); }

Real abs(Real x) { return x.emitter->wrap(unary_intrinsic(llvm::Intrinsic::fabs, x)); }
Real sqrt(Real x) { return x.emitter->wrap(unary_intrinsic(llvm::Intrinsic::sqrt, x)); }
Real copy_sign(Real magnitude, Real sign) {
  Emitter &e = *magnitude.emitter;
  return e.wrap(e.b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, magnitude.value, sign.value));
}

Mask operator<(Real x, Real y) { return {x.emitter, x.emitter->b.CreateFCmpOLT(x.value, y.value)}; }
Mask operator<=(Real x, Real y) { return {x.emitter, x.emitter->b.CreateFCmpOLE(x.value, y.value)}; }
Mask operator==(Real x, Real y) { return {x.emitter, x.emitter->b.CreateFCmpOEQ(x.value, y.value)}; }
Mask unordered(Real x, Real y) { return {x.emitter, x.emitter->b.CreateFCmpUNO(x.value, y.value)}; }
Mask operator&(Mask x, Mask y) { return {x.emitter, x.emitter->b.CreateAnd(x.value, y.value)}; }
Mask operator|(Mask x, Mask y) { return {x.emitter, x.emitter->b.CreateOr(x.value, y.value)}; }
Mask operator~(Mask x) { return {x.emitter, x.emitter->b.CreateNot(x.value)}; }
Mask operator==(Mask x, Mask y) { return {x.emitter, x.emitter->b.CreateICmpEQ(x.value, y.value)}; }
Mask operator!=(Bits x, int64_t c) {
  return {x.emitter, x.emitter->b.CreateICmpNE(x.value, x.emitter->bits_constant(c).value)};
}
Real select(Mask mask, Real x, Real y) {
  return y.emitter->wrap(y.emitter->b.CreateSelect(mask.value, x.value, y.value));
}

// Written so that x86 needs one max or min: those return the second operand where one is NaN.
Real at_least(Real x, double limit) { return select(x < limit, limit, x); }
Real at_most(Real x, double limit) { return select(x > limit, limit, x); }

Bits bits(Real x) { return {x.emitter, x.emitter->b.CreateBitCast(x.value, x.emitter->bits_type)}; }
Real from_bits(Bits x) { return x.emitter->wrap(x.emitter->b.CreateBitCast(x.value, x.emitter->type)); }
Bits operator+(Bits x, Bits y) { return {x.emitter, x.emitter->b.CreateAdd(x.value, y.value)}; }
Bits operator-(Bits x, Bits y) { return {x.emitter, x.emitter->b.CreateSub(x.value, y.value)}; }
Bits operator&(Bits x, Bits y) { return {x.emitter, x.emitter->b.CreateAnd(x.value, y.value)}; }
Bits operator^(Bits x, Bits y) { return {x.emitter, x.emitter->b.CreateXor(x.value, y.value)}; }
Bits operator<<(Bits x, int n) {
  return {x.emitter, x.emitter->b.CreateShl(x.value, static_cast<uint64_t>(n))};
}
Bits shift_right_logical(Bits x, int n) {
  return {x.emitter, x.emitter->b.CreateLShr(x.value, static_cast<uint64_t>(n))};
}
Bits shift_right(Bits x, int n) {
  return {x.emitter, x.emitter->b.CreateAShr(x.value, static_cast<uint64_t>(n))};
}

Real to_real(Bits x) {
  Emitter &e = *x.emitter;
  if (!e.f64())
    return e.wrap(e.b.CreateSIToFP(x.value, e.type));
  // There is no i64 to double instruction before AVX512DQ; adding into the mantissa works everywhere.
  return from_bits(x + pattern(e.format, e.format.rounder)) - e.format.rounder;
}

Rounded round_scaled(Real x, Real scale, int offset) {
  const double rounder = x.emitter->format.rounder + offset;
  Real shifted = mul_add(x, scale, x.emitter->constant(rounder));
  return {shifted - rounder, bits(shifted)};
}

Real power_of_two(Bits field) { return from_bits(field << field.emitter->format.mantissa_bits); }

namespace {

// 2^n need not be representable, but half of n always gives a normal number. Multiplying, rather than adding
// to the exponent of x, costs the same and lets NaN through.
Real scale_by_halves(Real x, const Rounded &n) {
  Bits half = shift_right_logical(n.bits, 1);
  return x * power_of_two(half) * power_of_two(n.bits - half);
}

// x * 2^n by the instruction made for it, one 512-bit register at a time. Rounds once, as scale_by_halves
// does.
Real scale_by_instruction(Real x, const Rounded &n, int lanes) {
  Emitter &e = *x.emitter;
  const int step = e.f64() ? 8 : 16;
  auto id = e.f64() ? llvm::Intrinsic::x86_avx512_mask_scalef_pd_512
                    : llvm::Intrinsic::x86_avx512_mask_scalef_ps_512;
  llvm::Value *all_lanes = e.b.getIntN(static_cast<unsigned>(step), step == 8 ? 0xff : 0xffff);
  llvm::Value *current_rounding = e.b.getInt32(4);
  std::vector<llvm::Value *> parts;
  for (int first = 0; first < lanes; first += step) {
    std::vector<int> indices(static_cast<size_t>(step));
    std::iota(indices.begin(), indices.end(), first);
    auto part = [&](Real v) { return lanes == step ? v.value : e.b.CreateShuffleVector(v.value, indices); };
    llvm::Value *a = part(x);
    parts.push_back(e.b.CreateIntrinsic(id, {}, {a, part(n.value), a, all_lanes, current_rounding}));
  }
  return e.wrap(llvm::concatenateVectors(e.b, parts));
}

} // namespace

Real scale(Real x, const Rounded &n) {
  auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(x.emitter->type);
  const int lanes = vector ? static_cast<int>(vector->getNumElements()) : 1;
  if (x.emitter->target.avx512f && lanes % (x.emitter->f64() ? 8 : 16) == 0)
    return scale_by_instruction(x, n, lanes);
  return scale_by_halves(x, n);
}

Exponent split_exponent(Real x) {
  Emitter &e = *x.emitter;
  const FloatFormat &format = e.format;
  const int64_t lowest = pattern(format, format.is_f64 ? 0x1.6a09e667f3bcdp-1 : 0x1.555556p-1);
  Mask denormal = x < format.smallest_normal;
  Real normal = select(denormal, x * (format.is_f64 ? 0x1p54 : 0x1p25), x);
  Bits exponent = shift_right(bits(normal) - lowest, format.mantissa_bits);
  Real mantissa = from_bits(bits(normal) - (exponent << format.mantissa_bits));
  Real bias = select(denormal, e.constant(format.is_f64 ? -54 : -25), e.constant(0));
  return {mantissa - 1.0, to_real(exponent) + bias};
}

} // namespace gradc::vector_math
