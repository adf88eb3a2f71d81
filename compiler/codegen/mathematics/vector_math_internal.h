// A thin algebra over IRBuilder for the vector math files, so that a formula reads as mathematics: Real is a
// floating point vector (or scalar) being computed, Bits its bit pattern as integers of the same width, Mask
// a lane condition.
#pragma once

#include "compiler/codegen/llvm.h"
#include "compiler/codegen/mathematics/vector_math.h"

#include <optional>
#include <span>

namespace gradc::vector_math {

class Emitter;

struct Real {
  Emitter *emitter;
  llvm::Value *value;
};
struct Bits {
  Emitter *emitter;
  llvm::Value *value;
};
struct Mask {
  Emitter *emitter;
  llvm::Value *value;
};

/// The numbers that depend on the precision alone.
struct FloatFormat {
  bool is_f64;
  int mantissa_bits; // stored: 23 or 52
  int bias;
  double rounder; // 1.5 * 2^mantissa_bits: adding it rounds to an integer and leaves that integer in the low
                  // bits
  double smallest_normal;
};

class Emitter {
public:
  /// `type` is float, double, or a fixed vector of one of them.
  Emitter(llvm::IRBuilderBase &builder, llvm::Type *type, MathTarget target);

  llvm::IRBuilderBase &b;
  MathTarget target;
  FloatFormat format;
  llvm::Type *type;
  llvm::Type *bits_type;

  bool f64() const { return format.is_f64; }
  Real wrap(llvm::Value *value) { return {this, value}; }
  Real constant(double value);
  Bits bits_constant(int64_t value);
};

/// A table for f32 and one for f64; the precision of the emitter picks.
struct Coefficients {
  std::span<const double> f32, f64;
  std::span<const double> of(const Emitter &e) const { return e.f64() ? f64 : f32; }
};

Real operator+(Real, Real);
Real operator-(Real, Real);
Real operator*(Real, Real);
Real operator/(Real, Real);
Real operator-(Real);
inline Real operator+(Real x, double c) { return x + x.emitter->constant(c); }
inline Real operator-(Real x, double c) { return x - x.emitter->constant(c); }
inline Real operator*(Real x, double c) { return x * x.emitter->constant(c); }
inline Real operator+(double c, Real x) { return x.emitter->constant(c) + x; }
inline Real operator-(double c, Real x) { return x.emitter->constant(c) - x; }
inline Real operator/(double c, Real x) { return x.emitter->constant(c) / x; }
/// a*b + c, fused where the target has it, else rounded twice.
Real mul_add(Real a, Real b, Real c);
inline Real mul_add(Real a, double b, Real c) { return mul_add(a, a.emitter->constant(b), c); }
inline Real mul_add(Real a, double b, double c) { return mul_add(a, b, a.emitter->constant(c)); }
/// c0 + c1 x + c2 x^2 + ... by Horner's rule; where there are many terms, in x^2 on pairs of them: half the latency for
/// one multiplication more, or none where x * x is there already.
Real polynomial(Real x, std::span<const double> coefficients);
Real abs(Real);
Real sqrt(Real);
Real copy_sign(Real magnitude, Real sign);

/// Ordered comparisons: false where a side is NaN.
Mask operator<(Real, Real);
Mask operator<=(Real, Real);
Mask operator==(Real, Real);
inline Mask operator<(Real x, double c) { return x < x.emitter->constant(c); }
inline Mask operator>(Real x, double c) { return x.emitter->constant(c) < x; }
inline Mask operator>=(Real x, double c) { return x.emitter->constant(c) <= x; }
inline Mask operator==(Real x, double c) { return x == x.emitter->constant(c); }
Mask unordered(Real, Real); // either is NaN
Mask operator&(Mask, Mask);
Mask operator|(Mask, Mask);
Mask operator~(Mask);
Mask operator==(Mask, Mask);
Mask operator!=(Bits, int64_t);
Real select(Mask, Real, Real);
inline Real select(Mask m, Real a, double b) { return select(m, a, a.emitter->constant(b)); }
inline Real select(Mask m, double a, Real b) { return select(m, b.emitter->constant(a), b); }
/// x limited from below or above; NaN passes through.
Real at_least(Real x, double limit);
Real at_most(Real x, double limit);

Bits bits(Real);
Real from_bits(Bits);
Bits operator+(Bits, Bits);
Bits operator-(Bits, Bits);
Bits operator&(Bits, Bits);
Bits operator^(Bits, Bits);
inline Bits operator+(Bits x, int64_t c) { return x + x.emitter->bits_constant(c); }
inline Bits operator-(Bits x, int64_t c) { return x - x.emitter->bits_constant(c); }
inline Bits operator&(Bits x, int64_t c) { return x & x.emitter->bits_constant(c); }
Bits operator<<(Bits, int);
Bits shift_right(Bits, int);         // arithmetic
Bits shift_right_logical(Bits, int); // zeros enter
Real to_real(Bits);                  // a small signed integer, |i| < 2^22

/// n = round(x * scale) for |x * scale| < 2^21 (f32) or 2^50 (f64): as a Real, and as the integer n + offset
/// in the low bits of `bits`; the bits above (from 22 or 51 on) are those of the rounding constant.
struct Rounded {
  Real value;
  Bits bits;
};
Rounded round_scaled(Real x, Real scale, int offset);
inline Rounded round_scaled(Real x, double scale, int offset) {
  return round_scaled(x, x.emitter->constant(scale), offset);
}

/// 2^(field - bias) for a normal result; above the width of an exponent `field` may hold anything, as
/// Rounded::bits does.
Real power_of_two(Bits field);

/// x * 2^n for x in [1/2, 2], where n.bits has the offset 2 * bias. Rounds once, to denormals too; NaN stays
/// NaN.
Real scale(Real x, const Rounded &n);

/// x = 2^k (1+f) for x > 0, denormal or not; f is exact. 1+f is in [2/3, 4/3] for f32, [sqrt(1/2), sqrt(2)]
/// for f64.
struct Exponent {
  Real f;
  Real k;
};
Exponent split_exponent(Real x);

/// x = n ln2 + r with |r| <= ln2/2, and Q with e^r = 1 + r + r^2 Q(r). The low bits of n.bits carry `offset`. With `low`, which
/// is what x lacks and much smaller than ln2, x + low is reduced.
struct ExpReduction {
  Rounded n;
  Real r;
  Real q;
};
ExpReduction reduce_exp(Real x, int offset, std::optional<Real> low = {});
/// Q of ExpReduction times a power of two.
Real exp_tail(Real r, double scale = 1);

/// |x|^y for finite |x| > 0 and |y| <= 2^64, x and y in f64; accurate for a result in f32, or in f64.
Real power_for_f32(Real x, Real y);
Real power_for_f64(Real x, Real y);

} // namespace gradc::vector_math
