// Normal random numbers: the quantile of a uniform draw. The draw is symmetric, u = 1/2 +- h with 0 < h <
// 1/2, so both tails are resolved alike. Kernels use the rational approximations of M. J. Wichura, "Algorithm
// AS 241: the percentage points of the normal distribution", Applied Statistics 37 (1988): PPND7 (7 figures)
// for f32, PPND16 (16) for f64.
#include "ir/ops/elementwise.h"
#include "ir/random.h"

#include <cmath>
#include <numbers>

namespace gradc {

namespace {

/// num(x) / den(x), coefficients from the constant up.
struct Rational {
  std::vector<double> num, den;
};

// The quantile of 1/2 + h is h central(0.425^2 - h^2) up to h = 0.425; beyond, with r = sqrt(-ln(1/2 - h)),
// it is tail(r - 1.6) up to r = 5 and far_tail(r - 5) from there.
constexpr double kCentral = 0.425, kCentralSquare = 0.180625, kTailShift = 1.6, kFarTail = 5;

const Rational kCentral7 = {{3.3871327179, 50.434271938, 159.29113202, 59.109374720},
                            {1, 17.895169469, 78.757757664, 67.187563600}};
const Rational kTail7 = {{1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103},
                         {1, 0.73700164250, 0.12021132975}};

const Rational kCentral16 = {
    {3.3871328727963666080, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3},
    {1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
     3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3}};
const Rational kTail16 = {
    {1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
     1.27045825245236838258, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4},
    {1, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
     1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9}};
const Rational kFarTail16 = {{6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580,
                              2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                              2.71155556874348757815e-5, 2.01033439929228813265e-7},
                             {1, 5.99832206555887937690e-1, 1.36929880922735805310e-1,
                              1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5,
                              1.42151175831644588870e-7, 2.04426310338993978564e-15}};

/// Arithmetic of one float dtype in a lowering.
struct Floats {
  NodeLowering &l;
  DType dtype;

  ExprId number(double x) { return l.literal(x, dtype); }
  ExprId cast(ExprId x) { return l.apply(ScalarOp::cast, {x}, dtype); }
  ExprId apply(ScalarOp op, ExprId x) { return l.apply(op, {x}, dtype); }
  ExprId apply(ScalarOp op, ExprId x, ExprId y) { return l.apply(op, {x, y}, dtype); }
  ExprId add(ExprId x, ExprId y) { return apply(ScalarOp::add, x, y); }
  ExprId sub(ExprId x, ExprId y) { return apply(ScalarOp::sub, x, y); }
  ExprId mul(ExprId x, ExprId y) { return apply(ScalarOp::mul, x, y); }
  ExprId choose(ExprId condition, ExprId yes, ExprId no) {
    return l.apply(ScalarOp::select, {condition, yes, no}, dtype);
  }
  ExprId at_most(ExprId x, double limit) { return l.apply(ScalarOp::le, {x, number(limit)}, DType::boolean); }

  ExprId polynomial(const std::vector<double> &coefficients, ExprId x) {
    ExprId sum = number(coefficients.back());
    for (size_t n = coefficients.size() - 1; n-- > 0;)
      sum = add(mul(sum, x), number(coefficients[n]));
    return sum;
  }
  ExprId rational(const Rational &r, ExprId x) {
    return apply(ScalarOp::div, polynomial(r.num, x), polynomial(r.den, x));
  }
};

/// h and 1/2 - h, each accurate to the last bit however small, and the sign of the draw.
struct Draw {
  ExprId negative, h, rest;
};

} // namespace

static ExprId select_i32(NodeLowering &l, ExprId condition, ExprId yes, ExprId no) {
  return l.apply(ScalarOp::select, {condition, yes, no}, DType::i32);
}

/// f32: h = (m + 1/2) 2^-32, m = w or, for w < 0, -1 - w. f64: h = (m 2^21 + b + 1/2) 2^-53, b the 21 high
/// bits of the next word.
static Draw draw(NodeLowering &l, const Index &at) {
  const bool wide = l.node.type.dtype == DType::f64;
  Floats f{l, l.node.type.dtype};
  auto integer_sub = [&](int64_t x, ExprId y) {
    return l.apply(ScalarOp::sub, {l.integer(x, DType::i32), y}, DType::i32);
  };
  auto scaled = [&](ExprId x, double by) { return f.mul(x, f.number(by)); };
  auto words = wide ? random_word_pair(l, at) : std::pair(random_word(l, at), ExprId{-1});
  ExprId negative = l.apply(ScalarOp::lt, {words.first, l.integer(0, DType::i32)}, DType::boolean);
  ExprId m = select_i32(l, negative, integer_sub(-1, words.first), words.first);
  ExprId half = f.number(0.5);
  if (wide) {
    ExprId low = f.cast(high_bits(l, words.second, 21));
    ExprId h = scaled(f.add(f.add(scaled(f.cast(m), 0x1p21), low), half), 0x1p-53);
    return {negative, h, f.sub(half, h)};
  }
  ExprId rest = integer_sub(INT32_MAX, m);
  return {negative, scaled(f.add(f.cast(m), half), 0x1p-32), scaled(f.add(f.cast(rest), half), 0x1p-32)};
}

static ExprId lower(NodeLowering &l, const Index &at) {
  const bool wide = l.node.type.dtype == DType::f64;
  Floats f{l, l.node.type.dtype};
  auto [negative, h, rest] = draw(l, at);
  ExprId inner = f.sub(f.number(kCentralSquare), f.mul(h, h));
  ExprId central = f.mul(h, f.rational(wide ? kCentral16 : kCentral7, inner));
  ExprId r = f.apply(ScalarOp::sqrt, f.apply(ScalarOp::neg, f.apply(ScalarOp::log, rest)));
  ExprId tail = f.rational(wide ? kTail16 : kTail7, f.sub(r, f.number(kTailShift)));
  if (wide) // 32 bits never get there: r is at most sqrt(33 ln 2) = 4.8
    tail = f.choose(f.at_most(r, kFarTail), tail, f.rational(kFarTail16, f.sub(r, f.number(kFarTail))));
  ExprId magnitude = f.choose(f.at_most(h, kCentral), central, tail);
  return f.choose(negative, f.apply(ScalarOp::neg, magnitude), magnitude);
}

/// The z >= 0 with P(0 < Z < z) = h, P(Z > z) = rest = 1/2 - h, by Newton's method on a concave function,
/// from a side where it converges monotonically: near the centre on P(0 < Z < z), from 0; in the tail on ln
/// P(Z > z), from the bound P(Z > z) <= e^(-z^2/2) / 2.
static double quantile(double h, double rest) {
  constexpr double precise = 1e-16;
  const bool central = h < 0.25;
  double z = central ? 0 : std::sqrt(-2 * std::log(2 * rest));
  for (int i = 0; i < 100; ++i) {
    double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
    double beyond = std::erfc(z / std::numbers::sqrt2) / 2;
    double step = central ? (h - std::erf(z / std::numbers::sqrt2) / 2) / density
                          : std::log(beyond / rest) * beyond / density;
    z += step;
    if (std::fabs(step) <= precise * z)
      break;
  }
  return z;
}

static double element(const Node &node, std::span<const Tensor *const> inputs, int64_t e) {
  int32_t word;
  double h;
  if (node.type.dtype == DType::f32) {
    word = random_word(node, inputs, e);
    h = ((word < 0 ? -1 - word : word) + 0.5) * 0x1p-32;
  } else {
    auto [first, second] = random_word_pair(node, inputs, e);
    word = first;
    h = ((word < 0 ? -1 - word : word) * 0x1p21 + static_cast<double>(high_bits(second, 21)) + 0.5) * 0x1p-53;
  }
  double z = quantile(h, 0.5 - h);
  return word < 0 ? -z : z;
}

extern const OpDef op_random_normal;
const OpDef op_random_normal{
    .name = "random_normal",
    .doc = "standard normal, a function of (seed, step), the stream and the element",
    .arity = 2,
    .kind = OpKind::source,
    .attrs = random_attrs(),
    .type_rule = TypeRule::written,
    .expensive = true,
    .infer = [](const Signature &s) -> Type { return infer_random(s, {DType::f32, DType::f64}); },
    .gradient = no_gradient,
    .lower = lower,
    .evaluate =
        [](const Node &node, std::span<const Tensor *const> inputs, Tensor &result) {
          for (int64_t e = 0; e < result.type.elements(); ++e)
            result.set(e, element(node, inputs, e));
        },
};

} // namespace gradc
