// The magnitude |x|^y = e^(y log x). An error of y log x is an error of the result times |y log x|, up to
// 745, so the logarithm needs more bits than the result has: f32 works in f64, f64 in pairs of f64 (an
// unevaluated sum hi + lo). Coefficients: tests/scripts/minimax.py powf_log2, powf_exp2, pow_log.
#include "compiler/codegen/mathematics/vector_math_internal.h"

namespace gradc::vector_math {

namespace {

constexpr double kLog2[] = {2.8853900817778486,  0.96179669411454316, 0.57707794212145291,
                            0.41220927132666108, 0.31990507179547095, 0.28290749926632452};
constexpr double kExp2[] = {0.69314718054194069,   0.24022651079672594,   0.055504109641456863,
                            0.0096180362626728955, 0.0013333430060964741, 0.00015467338729631871,
                            1.5314889947722909e-05};
constexpr double kLogTail[] = {0.1999999999999999,   0.14285714285721915,  0.1111111110889685,
                               0.090909094217033637, 0.076922792368679646, 0.066681312997331377,
                               0.058379109538319998, 0.059906963660021115};

constexpr double kLn2High = 0x1.62e42feep-1; // k times it is exact
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;

struct Pair {
  Real hi, lo;
};

/// x + y exactly, for |x| >= |y| or x = 0 (Dekker).
Pair ordered_sum(Real x, Real y) {
  Real hi = x + y;
  return {hi, y - (hi - x)};
}

/// x * y exactly; without FMA by splitting each factor into halves (Veltkamp and Dekker), for factors
/// below 2^970.
Pair product(Real x, Real y) {
  Real hi = x * y;
  if (x.emitter->target.fma)
    return {hi, mul_add(x, y, -hi)};
  auto split = [](Real v) {
    Real scaled = v * 0x1.0000002p27;
    Real high = scaled - (scaled - v);
    return Pair{high, v - high};
  };
  Pair a = split(x), b = split(y);
  return {hi, a.lo * b.lo - (((hi - a.hi * b.hi) - a.lo * b.hi) - a.hi * b.lo)};
}

/// x * y to about 2^-104 relative.
Pair product(Pair x, Pair y) {
  Pair p = product(x.hi, y.hi);
  return {p.hi, p.lo + mul_add(x.hi, y.lo, x.lo * y.hi)};
}

/// log x to about 2^-66 relative: with s = f/(2+f), z = s^2, log(1+f) = 2s + 2s z (1/3 + z P(z)), where only
/// P(z) is small enough to be computed in plain f64.
Pair log_pair(Real x) {
  auto [f, k] = split_exponent(x);
  Emitter &e = *x.emitter;
  Pair denominator = ordered_sum(e.constant(2), f);
  Real reciprocal = 1.0 / denominator.hi;
  Real quotient = f * reciprocal;
  Pair back = product(quotient, denominator.hi);
  Pair s{quotient, (((f - back.hi) - back.lo) - quotient * denominator.lo) * reciprocal};
  Pair z = product(s, s);
  Pair inner = ordered_sum(e.constant(1.0 / 3), z.hi * polynomial(z.hi, kLogTail));
  inner.lo = inner.lo + 0x1.5555555555555p-56; // the rest of 1/3
  Pair correction = product(s, product(z, inner));
  Pair half = ordered_sum(s.hi, correction.hi); // half of log(1+f)
  Pair sum = ordered_sum(k * kLn2High, half.hi * 2.0);
  Real rest = (half.lo + s.lo + correction.lo) * 2.0;
  return {sum.hi, sum.lo + mul_add(k, kLn2Low, rest)};
}

} // namespace

Real power_for_f32(Real x, Real y) {
  auto [f, k] = split_exponent(x);
  Real s = f / (f + 2.0);
  Real log2_x = mul_add(s, polynomial(s * s, kLog2), k);
  Real exponent = at_most(at_least(y * log2_x, -160), 130); // zero and infinity in f32
  Rounded n = round_scaled(exponent, 1.0, x.emitter->format.bias);
  Real r = exponent - n.value;
  return mul_add(r, polynomial(r, kExp2), x.emitter->constant(1)) * power_of_two(n.bits);
}

Real power_for_f64(Real x, Real y) {
  Pair log_x = log_pair(x);
  Pair p = product(y, log_x.hi);
  Real low = mul_add(y, log_x.lo, p.lo);
  low = select(abs(p.hi) < 1024.0, low, 0.0); // meaningless where the result is zero or infinity
  Real high = at_most(at_least(p.hi, -746), 710);
  // As reduce_exp, with `low` added to the remainder before the polynomial sees it.
  Rounded n = round_scaled(high, 0x1.71547652b82fep+0, 2 * x.emitter->format.bias);
  Real r = mul_add(n.value, -kLn2Low, mul_add(n.value, -kLn2High, high)) + low;
  return scale(1.0 + mul_add(r * r, exp_tail(r), r), n);
}

} // namespace gradc::vector_math
