// erf: x + x P(x^2) for |x| < 1, else 1 - 2^-V with V = -log2 erfc |x|, which is close to a parabola. V = 3 + u S(u),
// u the distance from where erfc is 1/8, so that what is left of V after rounding it to an integer is exact but for one
// rounding. Coefficients: tests/scripts/minimax.py erf_small_*, erfc_slope_*, erf_exp2_*.
//
// erfc keeps its relative accuracy down to where it vanishes: 1 - erf x for |x| < 1/2, else erfc |x| = e^(-x^2) P(q) / (|x| + k)
// with q = (|x| - k) / (|x| + k), and 2 - erfc |x| for negative x. Coefficients: minimax.py erfc_*.
#include "compiler/codegen/mathematics/vector_math_internal.h"

namespace gradc::vector_math {

namespace {

constexpr double kSmall32[] = {0.128379166,   -0.376126289,    0.112836182,   -0.026855126,
                               0.00519073429, -0.000803077419, 7.92045248e-05};
constexpr double kSmall64[] = {0.12837916709551259,     -0.37612638903184104,    0.11283791670971663,
                               -0.026866170648188154,   0.0052239776546511929,   -0.00085483286700034449,
                               0.00012055391779532087,  -1.4927030300287608e-05, 1.6483652883697062e-06,
                               -1.6586564778878826e-07, 1.6222748638674835e-08,  -1.7314222285252137e-09,
                               1.5840198207655932e-10};
constexpr double kSlope32[] = {4.01474476,    1.23097086,    0.0553213619,
                               -0.0133304354, 0.00257195369, -0.000274912396};
constexpr double kSlope64[] = {4.0147447753482881,      1.2309908888483514,      0.055251467185233445,
                               -0.013303641294283608,   0.0026748590763483477,   -0.00035767550406356628,
                               -1.4709504810747101e-05, 2.9548447564781303e-05,  -1.1459116874284054e-05,
                               2.7543288853093907e-06,  -3.4500063462500603e-07, -4.4596013909356439e-08,
                               3.7611368480190558e-08,  -1.0763571581674077e-08, 1.8150833253685271e-09,
                               -1.7717730156580021e-10, 7.7556900490001916e-12};
constexpr double kExp32[] = {0.693147242, 0.24022235, 0.0555028282, 0.00967191812, 0.00134129298};
constexpr double kExp64[] = {0.69314718055995006,    0.24022650695910153,    0.055504108664442345,
                             0.0096181291075835579,  0.0013333558231089723,  0.00015403530470319582,
                             1.5252656689105132e-05, 1.3215429032446886e-06, 1.0208805382976064e-07,
                             7.0747886798517225e-09};
constexpr double kScaled32[] = {1.02158272, -0.687160671, 0.279470444, -0.0364419594, -0.0214860085,
                                0.0064708367, 0.00296583725, -0.000791719533, -0.000422799698,
                                -2.58832042e-05};
constexpr double kScaled64[] = {1.0740069070883398, -0.88339445316988385, 0.59022835710407007,
                                -0.31046726190052359, 0.11952776128921838, -0.026827234626749973,
                                -0.0012124166727076802, 0.00303406205114204, -0.00054830914686365576,
                                -0.00027677842421468317, 0.00010755774385714132, 3.040207078240851e-05,
                                -1.7454943986698928e-05, -4.7654566515522019e-06, 2.72513228216532e-06,
                                1.040803236003146e-06, -3.4553109351134521e-07, -2.989233021541179e-07,
                                -7.0016666650336685e-09, 1.0670073897336229e-07, 1.731148651959122e-08,
                                -2.8034197039234194e-08};
constexpr Coefficients kScaled{kScaled32, kScaled64};
constexpr Coefficients kSmall{kSmall32, kSmall64};
constexpr Coefficients kSlope{kSlope32, kSlope64};
constexpr Coefficients kExp{kExp32, kExp64};

/// erf x for |x| < 1.
Real small_erf(Real x) { return mul_add(x, polynomial(x * x, kSmall.of(*x.emitter)), x); }

/// What `square`, which is x^2 rounded, lacks. Without FMA it is found by way of the upper half of the bits of x, whose
/// square is exact.
Real lost_by_square(Real x, Real square) {
  if (x.emitter->target.fma)
    return mul_add(x, x, -square);
  const int lower_bits = x.emitter->f64() ? 27 : 12;
  Real upper = from_bits(bits(x) & -(int64_t{1} << lower_bits));
  return (upper * upper - square) + (x - upper) * (x + upper);
}

/// erfc x for x >= 1/2. The power of two is multiplied in two steps, so that the last of them alone rounds to a denormal.
Real large_erfc(Real x_given) {
  const Emitter &e = *x_given.emitter;
  const double k = e.f64() ? 3 : 2;
  const int kept = e.f64() ? 60 : 30;
  Real x = at_most(x_given, e.f64() ? 27.3 : 10.1); // there erfc rounds to 0
  Real sum = x + k, p = polynomial((x - k) / sum, kScaled.of(e));
  Real square = x * x;
  ExpReduction power = reduce_exp(-square, e.format.bias + kept, -lost_by_square(x, square));
  Real product = mul_add(p, mul_add(power.r * power.r, power.q, power.r), p);
  return product * (e.f64() ? 0x1p-60 : 0x1p-30) / sum * power_of_two(power.n.bits);
}

} // namespace

Real emit_erf(Real x) {
  const Emitter &e = *x.emitter;
  Real magnitude = abs(x);
  Real small = small_erf(x);

  Real u = at_most(magnitude, e.f64() ? 5.95 : 3.95) - (e.f64() ? 1.0847870400692832 : 1.0847870111465454);
  Real slope = -polynomial(u, kSlope.of(e)); // past the limit erf rounds to 1
  Rounded n = round_scaled(u, slope, e.format.bias - 3);
  Real r = mul_add(u, slope, -n.value); // -V = n - 3 + r
  Real complement = mul_add(r, polynomial(r, kExp.of(e)), x.emitter->constant(1));
  Real large = mul_add(complement, -power_of_two(n.bits), x.emitter->constant(1));
  return select(magnitude < 1.0, small, copy_sign(large, x));
}

Real emit_erfc(Real x) {
  Real magnitude = abs(x), large = large_erfc(magnitude);
  return select(magnitude < 0.5, 1.0 - small_erf(x), select(x < 0.0, 2.0 - large, large));
}

} // namespace gradc::vector_math
