// erf: x + x P(x^2) for |x| < 1, else 1 - 2^-V with V = -log2 erfc |x|, which is close to a parabola. V = 3 + u S(u),
// u the distance from where erfc is 1/8, so that what is left of V after rounding it to an integer is exact but for one
// rounding. Coefficients: tests/scripts/minimax.py erf_small_*, erfc_slope_*, erf_exp2_*.
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
constexpr Coefficients kSmall{kSmall32, kSmall64};
constexpr Coefficients kSlope{kSlope32, kSlope64};
constexpr Coefficients kExp{kExp32, kExp64};

} // namespace

Real emit_erf(Real x) {
  const Emitter &e = *x.emitter;
  Real magnitude = abs(x);
  Real small = mul_add(x, polynomial(x * x, kSmall.of(e)), x);

  Real u = at_most(magnitude, e.f64() ? 5.95 : 3.95) - (e.f64() ? 1.0847870400692832 : 1.0847870111465454);
  Real slope = -polynomial(u, kSlope.of(e)); // past the limit erf rounds to 1
  Rounded n = round_scaled(u, slope, e.format.bias - 3);
  Real r = mul_add(u, slope, -n.value); // -V = n - 3 + r
  Real complement = mul_add(r, polynomial(r, kExp.of(e)), x.emitter->constant(1));
  Real large = mul_add(complement, -power_of_two(n.bits), x.emitter->constant(1));
  return select(magnitude < 1.0, small, copy_sign(large, x));
}

} // namespace gradc::vector_math
