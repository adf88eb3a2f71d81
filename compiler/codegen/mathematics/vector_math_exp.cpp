// exp and its kin. x = n ln2 + r with |r| <= ln2/2, then e^x = 2^n (1 + r + r^2 Q(r)); expm1, tanh and
// sigmoid keep the 1 apart where it would cancel. Coefficients: tests/scripts/minimax.py exp_f32, exp_f64,
// tanh_small, tanh_exp.
#include "compiler/codegen/mathematics/vector_math_internal.h"

#include <vector>

namespace gradc::vector_math {

namespace {

constexpr double kTail32[] = {0.5, 0.166665435, 0.0416664369, 0.00836657453, 0.00139373727};
constexpr double kTail64[] = {0.5,
                              0.16666666666666677,
                              0.041666666666666678,
                              0.0083333333333214001,
                              0.0013888888888877067,
                              0.00019841269886753822,
                              2.4801587341683165e-05,
                              2.755724353611149e-06,
                              2.7557258200685146e-07,
                              2.5109285103551043e-08,
                              2.0919811515679866e-09};
constexpr Coefficients kTail{kTail32, kTail64};

constexpr double kTanhSmall[] = {-0.333329469, 0.133207262, -0.0526719093, 0.0164379198};
constexpr double kTanhExp[] = {1, 2, 1.99999964, 1.33332217, 0.666703045, 0.267780662, 0.0882188752};

constexpr double kLog2e = 1.4426950408889634;

/// ln2 in two parts, the first short enough that n times it is exact (fdlibm).
double ln2_high(bool f64) { return f64 ? 0x1.62e42feep-1 : 0x1.62e3p-1; }
double ln2_low(bool f64) { return f64 ? 0x1.a39ef35793c76p-33 : 0x1.2fefa4p-17; }

/// e^r - 1
Real expm1_reduced(const ExpReduction &e) { return mul_add(e.r * e.r, e.q, e.r); }

/// e^r by the more accurate grouping, which depends on where it rounds.
Real exp_reduced(const ExpReduction &e) {
  const Emitter &emitter = *e.r.emitter;
  if (emitter.f64() || !emitter.target.fma)
    return 1.0 + expm1_reduced(e);
  return mul_add(mul_add(e.q, e.r, e.r.emitter->constant(1)), e.r, e.r.emitter->constant(1));
}

/// Below this e^x rounds to zero.
double exp_underflow(const Emitter &e) { return e.f64() ? -746 : -104; }

} // namespace

Real exp_tail(Real r, double scale) {
  std::vector<double> scaled;
  for (double c : kTail.of(*r.emitter))
    scaled.push_back(c * scale);
  return polynomial(r, scaled);
}

ExpReduction reduce_exp(Real x, int offset, std::optional<Real> low) {
  Rounded n = round_scaled(x, kLog2e, offset);
  const bool f64 = x.emitter->f64();
  Real r = mul_add(n.value, -ln2_low(f64), mul_add(n.value, -ln2_high(f64), x));
  if (low)
    r = r + *low;
  return {n, r, exp_tail(r)};
}

Real emit_exp(Real x) {
  const Emitter &emitter = *x.emitter;
  Real limited = at_most(at_least(x, exp_underflow(emitter)), emitter.f64() ? 710 : 89);
  ExpReduction e = reduce_exp(limited, 2 * emitter.format.bias);
  return scale(exp_reduced(e), e.n);
}

// With t = 2^n / 2: e^x - 1 = 2 (t (e^r - 1) + (t - 1/2)), where half of the sum keeps t finite up to
// overflow.
Real emit_expm1(Real x) {
  const bool f64 = x.emitter->f64();
  ExpReduction e =
      reduce_exp(at_most(at_least(x, f64 ? -38 : -18), f64 ? 710 : 89), x.emitter->format.bias - 1);
  Real t = power_of_two(e.n.bits);
  Real half = mul_add(t, expm1_reduced(e), t - 0.5);
  // x itself below half an ULP of 1: keeps -0, and denormals that halving would round.
  return select(abs(x) < (f64 ? 0x1p-54 : 0x1p-25), x, half + half);
}

// With w = e^(2|x|) - 1: tanh |x| = w / (w + 2) loses nothing near zero, and = 1 - 2 / (w + 2) loses little
// elsewhere; neither exceeds 1.
static Real tanh_f64(Real x) {
  Real magnitude = at_most(abs(x), 20); // there tanh rounds to 1
  ExpReduction e = reduce_exp(magnitude + magnitude, x.emitter->format.bias);
  Real power = power_of_two(e.n.bits);
  Real w = mul_add(power, expm1_reduced(e), power - 1.0);
  Mask large = magnitude > 0.55;
  Real quotient = select(large, -2.0, w) / (w + 2.0);
  return copy_sign(select(large, quotient + 1.0, quotient), x);
}

// x + x^3 P(x^2) for |x| < 0.55, else 1 - 2 / (e^(2|x|) + 1), where less than half of an error of the exponential
// is left: |x| = n ln2/2 + r needs one part of ln2 only.
static Real tanh_f32(Real x) {
  Emitter &emitter = *x.emitter;
  Real magnitude = at_most(abs(x), 10); // there tanh rounds to 1
  Rounded n = round_scaled(magnitude, 2 * kLog2e, emitter.format.bias);
  Real r = mul_add(n.value, -0.5 / kLog2e, magnitude);
  Real sum = mul_add(power_of_two(n.bits), polynomial(r, kTanhExp), emitter.constant(1));
  Real square = magnitude * magnitude;
  Real small = mul_add(square * polynomial(square, kTanhSmall), magnitude, magnitude);
  return copy_sign(select(magnitude < 0.55, small, 1.0 - 2.0 / sum), x);
}

Real emit_tanh(Real x) { return x.emitter->f64() ? tanh_f64(x) : tanh_f32(x); }

// With r = n ln2 - x = h + l and e^r = 1 + h + w: 1 / (1 + e^-x) = 2^n / ((2^n + 1) + h + w), where nothing overflows.
// All is scaled by `unit`, so that 2^n is normal down to where the result vanishes. What 2^n + 1 loses past 23 or 52
// bits goes to w. With FMA a step of Newton's method makes good what the sum (in the order of least latency) and its
// reciprocal lost, without it what the sum lost.
Real emit_sigmoid(Real x) {
  Emitter &emitter = *x.emitter;
  const bool f64 = emitter.f64();
  const double unit = f64 ? 0x1p60 : 0x1p30;
  Real limited = at_most(at_least(x, exp_underflow(emitter)), f64 ? 38 : 17.5);
  Rounded n = round_scaled(limited, kLog2e, emitter.format.bias + (f64 ? 60 : 30));
  Real power = power_of_two(n.bits), high = power + unit;
  Real h = mul_add(n.value, ln2_high(f64), -limited), r = mul_add(n.value, ln2_low(f64), h);
  Real w = mul_add(n.value, ln2_low(f64) * unit, power - (high - unit));
  Real square = r * r, q = exp_tail(r, unit), low = mul_add(h, unit, mul_add(square, q, w));
  const bool fma = emitter.target.fma;
  Real sum = fma ? mul_add(square, q, mul_add(r, unit, high)) : high + low, reciprocal = 1.0 / sum;
  Real excess = (sum - high) - low;
  Real error = fma ? mul_add(reciprocal, excess, mul_add(-reciprocal, sum, emitter.constant(1))) : reciprocal * excess;
  return mul_add(reciprocal, error, reciprocal) * power; // which alone rounds to a denormal
}

} // namespace gradc::vector_math
