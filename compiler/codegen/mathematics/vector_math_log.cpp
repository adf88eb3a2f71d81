// log and log1p: x = 2^k (1+f), then log x = k ln2 + log(1+f). Coefficients: tests/scripts/minimax.py
// log_f32, log_f64.
#include "compiler/codegen/mathematics/vector_math_internal.h"

#include <limits>

namespace gradc::vector_math {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

constexpr double kLog32[] = {-0.5,        0.333332241,  -0.249996871, 0.200100347, -0.166855618,
                             0.140110493, -0.121135376, 0.139618367,  -0.131995514};
constexpr double kLog64[] = {0.6666666666666734,  0.39999999999416574, 0.28571428742082533,
                             0.22222198595618978, 0.18183563498542082, 0.1531406542095605,
                             0.14795846464264106};

/// f32: log(1+f) = f + f^2 P(f). No division; one rounded ln2 is accurate enough.
Real log_sum_f32(Real f, Real k) {
  return mul_add(k, 0x1.62e43p-1, mul_add(f * f, polynomial(f, kLog32), f));
}

/// f64, after fdlibm: with s = f/(2+f), z = s^2, R = z P(z) and h = f^2/2, log(1+f) = f - (h - s (h + R)).
Real log_sum_f64(Real f, Real k) {
  Real s = f / (f + 2.0);
  Real z = s * s;
  Real h = f * f * 0.5;
  Real tail = mul_add(s, mul_add(z, polynomial(z, kLog64), h), k * 0x1.a39ef35793c76p-33);
  return mul_add(k, 0x1.62e42feep-1, f - (h - tail));
}

Real log_sum(Real f, Real k) { return f.emitter->f64() ? log_sum_f64(f, k) : log_sum_f32(f, k); }

/// `y` inside the domain; -inf where x is its lower end, NaN below and for NaN, +inf at +inf.
Real with_domain(Real x, double lower, Real y) {
  Real outside = select(x == lower, -kInfinity, x.emitter->constant(kNaN));
  return select(x > lower, select(x < kInfinity, y, x), outside);
}

} // namespace

Real emit_log(Real x) {
  Exponent e = split_exponent(x);
  return with_domain(x, 0, log_sum(e.f, e.k));
}

// 1+x = 2^k (1+f) with k from the rounded sum, but f = x 2^-k + (2^-k - 1), which keeps the bits the sum
// lost. Scaling is a subtraction in the exponent field: where k is not 0, x is not small.
Real emit_log1p(Real x) {
  Emitter &e = *x.emitter;
  const int mantissa_bits = e.format.mantissa_bits;
  Bits lowest = bits(e.constant(e.f64() ? 0x1.6a09e667f3bcdp-1 : 0x1.555556p-1));
  Bits k = shift_right(bits(x + 1.0) - lowest, mantissa_bits);
  Bits field = k << mantissa_bits;
  Real four_scale =
      from_bits(bits(e.constant(4)) - field); // 4 * 2^-k: 2^-k alone underflows at the largest k
  Real f = from_bits(bits(x) - field) + mul_add(four_scale, 0.25, -1.0);
  return with_domain(x, -1, copy_sign(log_sum(f, to_real(k)), x)); // the sign of -0
}

} // namespace gradc::vector_math
