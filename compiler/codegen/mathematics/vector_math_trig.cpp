// sin and cos: |x| = n pi/2 + r with |r| <= pi/4, pi/2 being subtracted in parts (Cody and Waite), then a
// polynomial chosen by n mod 4. Coefficients: tests/scripts/minimax.py sin_*, cos_*.
//
// The parts are good for |x| <= 1e5 (with FMA) or 1e4 in f32, and 1e8 or 1e6 in f64. Beyond, r loses absolute
// accuracy in proportion to |x|; the result stays in [-1, 1].
#include "compiler/codegen/mathematics/vector_math_internal.h"

namespace gradc::vector_math {

namespace {

// sin r = r + r z S(z), cos r = 1 - z/2 + z^2 C(z), z = r^2
constexpr double kSin32[] = {-0.166666538, 0.00833210535, -0.000195077839};
constexpr double kCos32[] = {0.0416666456, -0.00138873025, 2.44308958e-05};
constexpr double kSin64[] = {-0.16666666666666627,   0.0083333333333211381,   -0.00019841269828778219,
                             2.7557313330190123e-06, -2.5050700677906597e-08, 1.5893418881439677e-10};
constexpr double kCos64[] = {0.041666666666666588,    -0.0013888888888872095, 2.4801587288196283e-05,
                             -2.7557313976662785e-07, 2.0875671731467453e-09, -1.135695736987494e-11};
constexpr Coefficients kSin{kSin32, kSin64};
constexpr Coefficients kCos{kCos32, kCos64};

// pi/2 cut into parts. Without FMA a part is short enough that n times it is exact, except for the last.
constexpr double kHalfPi32[] = {0x1.921fb4p+0, 0x1.4442dp-24, 0x1.846988p-48};
constexpr double kHalfPi64[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c06p-54, 0x1.c1cd129024e08p-107};
constexpr double kShortHalfPi32[] = {0x1.92p+0, 0x1.fb4p-12, 0x1.444p-24, 0x1.68cp-39, 0x1.1a6262p-54};
constexpr double kShortHalfPi64[] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2ep-69,
                                     0x1.b839a252049c1p-104};
constexpr Coefficients kHalfPi{kHalfPi32, kHalfPi64};
constexpr Coefficients kShortHalfPi{kShortHalfPi32, kShortHalfPi64};

constexpr double kTwoOverPi = 0.63661977236758134;

struct Quadrant {
  Real sine; // of r
  Real cosine;
  Bits n;
};

Quadrant reduce(Real magnitude) {
  const Emitter &e = *magnitude.emitter;
  Rounded n = round_scaled(magnitude, kTwoOverPi, 0);
  Real r = magnitude;
  for (double part : (e.target.fma ? kHalfPi : kShortHalfPi).of(e))
    r = mul_add(n.value, -part, r);
  r = at_most(at_least(r, -0.8), 0.8); // past the range of the parts: no overflow of the polynomials
  Real z = r * r;
  Real sine = mul_add(r * z, polynomial(z, kSin.of(e)), r);
  Real cosine =
      mul_add(z, mul_add(z, polynomial(z, kCos.of(e)), z.emitter->constant(-0.5)), z.emitter->constant(1));
  return {sine, cosine, n.bits};
}

int64_t sign_bit(const Emitter &e) { return e.f64() ? INT64_MIN : INT32_MIN; }

/// Bit 1 of n, moved to the sign.
Bits half_turn(Bits n) {
  const Emitter &e = *n.emitter;
  return (n << (e.f64() ? 62 : 30)) & sign_bit(e);
}

} // namespace

Real emit_sin(Real x) {
  Quadrant q = reduce(abs(x));
  Real y = select((q.n & 1) != 0, q.cosine, q.sine);
  return from_bits(bits(y) ^ half_turn(q.n) ^ (bits(x) & sign_bit(*x.emitter)));
}

Real emit_cos(Real x) {
  Quadrant q = reduce(abs(x));
  Real y = select((q.n & 1) != 0, q.sine, q.cosine);
  return from_bits(bits(y) ^ half_turn(q.n + 1));
}

} // namespace gradc::vector_math
