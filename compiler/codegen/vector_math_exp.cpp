// exp and its kin. x = n ln2 + r with |r| <= ln2/2, then e^x = 2^n (1 + r + r^2 Q(r)); expm1, tanh and
// sigmoid keep the 1 apart where it would cancel. Coefficients: tests/scripts/minimax.py exp_f32, exp_f64.
#include "compiler/codegen/vector_math_internal.h"

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

constexpr double kLog2e = 1.4426950408889634;

/// e^r - 1
Real expm1_reduced(const ExpReduction &e) { return mul_add(e.r * e.r, e.q, e.r); }

/// e^r. In f32 a Horner step less than 1 + (r + r^2 Q), in f64 the more accurate grouping.
Real exp_reduced(const ExpReduction &e) {
  if (e.r.emitter->f64())
    return 1.0 + expm1_reduced(e);
  return mul_add(mul_add(e.q, e.r, e.r.emitter->constant(1)), e.r, e.r.emitter->constant(1));
}

/// Below this e^x rounds to zero.
double exp_underflow(const Emitter &e) { return e.f64() ? -746 : -104; }

} // namespace

Real exp_tail(Real r) { return polynomial(r, kTail.of(*r.emitter)); }

ExpReduction reduce_exp(Real x, int offset) {
  // ln2 in two parts, the first short enough that n times it is exact (fdlibm).
  const bool f64 = x.emitter->f64();
  const double high = f64 ? 0x1.62e42feep-1 : 0x1.62e3p-1;
  const double low = f64 ? 0x1.a39ef35793c76p-33 : 0x1.2fefa4p-17;
  Rounded n = round_scaled(x, kLog2e, offset);
  Real r = mul_add(n.value, -low, mul_add(n.value, -high, x));
  return {n, r, exp_tail(r)};
}

Real emit_exp(Real x) {
  const Emitter &emitter = *x.emitter;
  Real limited = at_most(at_least(x, exp_underflow(emitter)), emitter.f64() ? 710 : 89);
  ExpReduction e = reduce_exp(limited, 2 * emitter.format.bias);
  return scale(exp_reduced(e), e.n);
}

// n <= 0, so 2^(n + lift) is normal down to where e^x vanishes: the first product is exact, the second
// rounds.
Real exp_nonpositive(Real x) {
  const bool f64 = x.emitter->f64();
  const int lift = f64 ? 60 : 30;
  ExpReduction e = reduce_exp(at_least(x, exp_underflow(*x.emitter)), x.emitter->format.bias + lift);
  return exp_reduced(e) * power_of_two(e.n.bits) * (f64 ? 0x1p-60 : 0x1p-30);
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
Real emit_tanh(Real x) {
  const Emitter &emitter = *x.emitter;
  Real magnitude = at_most(abs(x), emitter.f64() ? 20 : 10); // there tanh rounds to 1
  ExpReduction e = reduce_exp(magnitude + magnitude, emitter.format.bias);
  Real power = power_of_two(e.n.bits);
  Real w = mul_add(power, expm1_reduced(e), power - 1.0);
  Mask large = magnitude > 0.55;
  Real quotient = select(large, -2.0, w) / (w + 2.0);
  return copy_sign(select(large, quotient + 1.0, quotient), x);
}

// With e = e^-|x|: 1 / (1 + e) for x >= 0 and e / (1 + e) below, so nothing overflows and small results keep
// their bits. The rounding of 1 + e would be the largest error; what it lost is known exactly and corrects
// the quotient.
Real emit_sigmoid(Real x) {
  Real e = exp_nonpositive(-abs(x));
  Real sum = 1.0 + e;
  Real lost = e - (sum - 1.0);
  Real quotient = select(x < 0.0, e, 1.0) / sum;
  return mul_add(-lost, quotient, quotient);
}

} // namespace gradc::vector_math
