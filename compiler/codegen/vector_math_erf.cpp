// erf: x + x P(x^2) for |x| < 1, else 1 - 2^-V(|x|) with V = -log2 erfc, which is close to a parabola.
// Coefficients: tests/scripts/minimax.py erf_small_*, erfc_bits_*, erf_exp2_*.
#include "compiler/codegen/vector_math_internal.h"

namespace gradc::vector_math {

namespace {

constexpr double kSmall32[] = {0.128379166,   -0.376126289,    0.112836182,   -0.026855126,
                               0.00519073429, -0.000803077419, 7.92045248e-05};
constexpr double kSmall64[] = {0.12837916709551259,     -0.37612638903184104,    0.11283791670971663,
                               -0.026866170648188154,   0.0052239776546511929,   -0.00085483286700034449,
                               0.00012055391779532087,  -1.4927030300287608e-05, 1.6483652883697062e-06,
                               -1.6586564778878826e-07, 1.6222748638674835e-08,  -1.7314222285252137e-09,
                               1.5840198207655932e-10};
constexpr double kBits32[] = {0.000510614482, 1.62597358,    0.920767963,   0.148648486,
                              -0.0314567387,  0.00424047001, -0.00026767017};
constexpr double kBits64[] = {7.4620792918686798e-07,  1.6278995082008771,      0.91848345537001264,
                              0.14816745685083013,     -0.027392794896898522,   -0.00059817541347304871,
                              0.0027700616947525952,   -0.0011165424735886133,  0.00019780076479994512,
                              2.7777112719712547e-05,  -3.2357938828729468e-05, 1.2331089155324432e-05,
                              -3.0403473323844442e-06, 5.3127501769618613e-07,  -6.6021094865921083e-08,
                              5.5899857668492401e-09,  -2.9025186572191903e-10, 6.9875485436051499e-12};
constexpr double kExp32[] = {0.693147242, 0.24022235, 0.0555028282, 0.00967191812, 0.00134129298};
constexpr double kExp64[] = {0.69314718055995006,    0.24022650695910153,    0.055504108664442345,
                             0.0096181291075835579,  0.0013333558231089723,  0.00015403530470319582,
                             1.5252656689105132e-05, 1.3215429032446886e-06, 1.0208805382976064e-07,
                             7.0747886798517225e-09};
constexpr Coefficients kSmall{kSmall32, kSmall64};
constexpr Coefficients kBits{kBits32, kBits64};
constexpr Coefficients kExp{kExp32, kExp64};

} // namespace

Real emit_erf(Real x) {
  const Emitter &e = *x.emitter;
  Real magnitude = abs(x);
  Real small = mul_add(x, polynomial(x * x, kSmall.of(e)), x);

  Real v = polynomial(at_most(magnitude, e.f64() ? 5.95 : 3.95), kBits.of(e)); // there erf rounds to 1
  Rounded n = round_scaled(v, -1, e.format.bias);
  Real r = -(n.value + v);
  Real complement = mul_add(r, polynomial(r, kExp.of(e)), x.emitter->constant(1));
  Real large = mul_add(complement, -power_of_two(n.bits), x.emitter->constant(1));
  return select(magnitude < 1.0, small, copy_sign(large, x));
}

} // namespace gradc::vector_math
