// The activations, one row each: name, doc, attributes, formula.
#include "compiler/model/tables/activations.h"

#include "ir/error.h"

#include <cmath>
#include <numbers>

namespace gradc {

Var less_largest(Var x) { return x - stop_gradient(max_last_keep(x)); }

Var softmax(Var x) {
  // The maximum cancels in the quotient, so no gradient flows through it.
  const Var e = exp(less_largest(x));
  return e / sum_last_keep(e);
}

// The 1 that the largest adds to the sum is left to log1p, so that the others count however small they are. More than one may
// be 0.
Var log_sum_exp(Var x) {
  const Var largest = select(equal(x, 0), number_like(x, 1), 0);
  return log1p(sum_last(exp(x) - largest) + (sum_last(largest) - 1));
}

Var log_softmax(Var x) {
  const Var z = less_largest(x);
  Shape kept = z.shape();
  kept.back() = 1;
  return z - reshape(log_sum_exp(z), std::move(kept));
}

namespace {

/// Its gradient is sigmoid(x) everywhere, 1/2 at 0.
Var softplus(const JsonValue &, Var x) {
  // max(x, 0) + log1p(exp(-|x|)), with one condition for both so that their slopes agree at 0.
  const Var positive = greater(x, 0);
  return select(positive, x, 0) + log1p(exp(select(positive, -x, x)));
}

/// The slope is found from the output, so that the input need not be kept for the way back; it is 0 at 0.
Var relu(const JsonValue &, Var x) {
  const Var y = maximum(stop_gradient(x), number_like(x, 0));
  return with_gradient_of(y, select(greater(y, 0), x, 0));
}

/// As relu: y > 0 where x > 0.
Var leaky_relu(const JsonValue &attrs, Var x) {
  const double alpha = attrs.number_at("alpha");
  const Var input = stop_gradient(x), y = select(greater(input, 0), input, alpha * input);
  return with_gradient_of(y, select(greater(y, 0), x, alpha * x));
}

/// The slope at 0 is that from below, alpha.
Var exponential_linear(double alpha, Var x) {
  const Var positive = greater(x, 0);
  return select(positive, x, alpha * expm1(select(positive, 0, x))); // expm1 of a large x must not overflow
}

Var elu(const JsonValue &attrs, Var x) { return exponential_linear(attrs.number_at("alpha"), x); }

/// Klambauer et al. 2017; the constants make mean 0 and variance 1 a fixed point.
Var selu(const JsonValue &, Var x) {
  return 1.0507009873554804934193349852946 * exponential_linear(1.6732632423543772848170429916717, x);
}

/// x between 0 and 6, NaN stays; its slope, found from the output as that of relu, is 0 at both.
Var relu6(const JsonValue &, Var x) {
  const Var y = minimum(maximum(stop_gradient(x), number_like(x, 0)), number_like(x, 6));
  return with_gradient_of(y, select(greater(y, 0), select(less(y, number_like(y, 6)), x, y), y));
}

Var hard_tanh(const JsonValue &, Var x) {
  const Var y = minimum(maximum(stop_gradient(x), number_like(x, -1)), number_like(x, 1));
  return with_gradient_of(y, select(less(abs(y), number_like(y, 1)), x, y));
}

/// Not by 1 + erf(x / sqrt(2)), of which little is left for negative x: at -5, 4% are wrong in f32.
Var gelu(const JsonValue &, Var x) { return 0.5 * x * erfc(x * (-1 / std::numbers::sqrt2)); }

/// gelu with (1 + tanh(u)) / 2 = sigmoid(2 u) for the normal distribution, which keeps its digits for negative x. Beyond 32 it
/// is 0 or x in every float type, and x^3 must not overflow.
Var gelu_tanh(const JsonValue &, Var x) {
  const Var t = maximum(minimum(x, number_like(x, 32)), number_like(x, -32));
  return x * sigmoid(std::sqrt(8 / std::numbers::pi) * t * (1 + 0.044715 * square(t)));
}

/// x tanh(ln(1 + e^x)): with s = (1 + e^x)^2, tanh is (s - 1) / (s + 1). For positive x both are divided by e^2x.
Var mish(const JsonValue &, Var x) {
  const Var positive = greater(x, 0), e = exp(select(positive, -x, x));
  const Var above = select(positive, 1 + 2 * e, e * (e + 2));
  return x * (above / (above + select(positive, 2 * square(e), 2)));
}

/// The slope is 1 / (1 + |x|)^2; that of the quotient would be a difference of nearly equal numbers for large x.
Var softsign(const JsonValue &, Var x) {
  const Var positive = greater(x, 0), r = 1 / (1 + select(positive, x, -x));
  return with_gradient_of(stop_gradient(x) * stop_gradient(r), select(positive, 1 - r, r - 1));
}

/// Martins and Astudillo 2016, without sorting: z_i is in the support if the larger z_j exceed it by less than 1 in total.
Var sparsemax(const JsonValue &attrs, Var x) {
  const Shape shape = x.shape();
  const int64_t n = shape.back(), rows = element_count(shape) / n;
  const Var z = reshape(less_largest(x), {rows, n}), fixed = stop_gradient(z);
  const Var excess = reshape(fixed, {rows, 1, n}) - reshape(fixed, {rows, n, 1});
  const Var support = less(sum_last(maximum(excess, number_like(z, 0))), number_like(z, 1));
  const Var size = sum_last_keep(select(support, constant(*z.scope, 1, z.type()), 0));
  const Var rest = z - (sum_last_keep(select(support, z, 0)) - 1) / size;
  return reshape(relu(attrs, rest), shape);
}

Var silu(const JsonValue &, Var x) { return x * sigmoid(x); }
Var hard_sigmoid(const JsonValue &attrs, Var x) { return relu6(attrs, x + 3) * (1.0 / 6); }
Var hard_swish(const JsonValue &attrs, Var x) { return x * hard_sigmoid(attrs, x); }
Var sine(const JsonValue &attrs, Var x) { return sin(attrs.number_at("frequency") * x); }

double gain_1(const JsonValue &) { return 1; }

const std::vector<ActivationDef> &table() {
  using attr::number;
  static const std::vector<ActivationDef> defs = {
      {{"linear", "x", {}}, false, Link::none, [](const JsonValue &, Var x) { return x; }, false, gain_1},
      {{"relu", "max(x, 0)", {}}, true, Link::none, relu, false, [](const JsonValue &) { return std::numbers::sqrt2; }},
      {{"leaky_relu",
        "x for x > 0, else alpha * x",
        {number("alpha", "the slope for negative x").at_least(0).defaults_to("0.01")}},
       true,
       Link::none,
       leaky_relu,
       false,
       [](const JsonValue &a) { return std::sqrt(2 / (1 + std::pow(a.number_at("alpha"), 2))); }},
      {{"elu",
        "x for x > 0, else alpha * (exp(x) - 1)",
        {number("alpha", "minus the limit for negative x").at_least(0).defaults_to("1")}},
       true,
       Link::none,
       elu},
      {{"sigmoid", "1 / (1 + exp(-x))", {}},
       false,
       Link::sigmoid,
       [](const JsonValue &, Var x) { return sigmoid(x); },
       false,
       gain_1},
      {{"tanh", "tanh(x)", {}},
       false,
       Link::none,
       [](const JsonValue &, Var x) { return tanh(x); },
       false,
       [](const JsonValue &) { return 5.0 / 3; }},
      {{"softplus", "log(1 + exp(x))", {}}, true, Link::none, softplus},
      {{"gelu", "x * P(X < x) for a standard normal X, exactly: x / 2 * erfc(-x / sqrt(2))", {}},
       true,
       Link::none,
       gelu},
      {{"softmax", "exp(x) / sum(exp(x)) over the last axis", {}},
       false,
       Link::softmax,
       [](const JsonValue &, Var x) { return softmax(x); },
       true},
      {{"log_softmax", "x - log(sum(exp(x))) over the last axis", {}},
       false,
       Link::none,
       [](const JsonValue &, Var x) { return log_softmax(x); },
       true},
      {{"sparsemax",
        "max(x - t, 0) over the last axis, with the t for which the sum is 1: a softmax whose small values are 0; it compares "
        "every pair of a row",
        {}},
       false,
       Link::none,
       sparsemax,
       true},
      {{"selu", "1.0507 * (x for x > 0, else 1.6733 * (exp(x) - 1)); before it, lecun_normal", {}},
       false,
       Link::none,
       selu,
       false,
       [](const JsonValue &) { return 0.75; }},
      {{"silu", "x * sigmoid(x), also called swish", {}}, true, Link::none, silu},
      {{"mish", "x * tanh(log(1 + exp(x)))", {}}, true, Link::none, mish},
      {{"gelu_tanh", "gelu by its approximation x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))", {}},
       true,
       Link::none,
       gelu_tanh},
      {{"relu6", "max(x, 0), at most 6", {}}, true, Link::none, relu6},
      {{"hard_sigmoid",
        "x / 6 + 1/2, between 0 and 1: that of PyTorch and Keras 3; the older x / 5 + 1/2 of Keras is a scale of 6/5 before it",
        {}},
       false,
       Link::none,
       hard_sigmoid},
      {{"hard_tanh", "x between -1 and 1; other limits: the layer clip", {}}, false, Link::none, hard_tanh},
      {{"hard_swish", "x * hard_sigmoid(x)", {}}, true, Link::none, hard_swish},
      {{"softsign", "x / (1 + |x|)", {}}, false, Link::none, softsign},
      {{"abs", "|x|; its slope at 0 is 0", {}}, false, Link::none, [](const JsonValue &, Var x) { return abs(x); }},
      {{"sine",
        "sin(frequency * x); SIREN (Sitzmann et al. 2020) has a frequency of 30",
        {number("frequency", "the factor of x").above(0).defaults_to("1")}},
       false,
       Link::none,
       sine},
  };
  return defs;
}

} // namespace

const Family &activations() {
  static const Family family = [] {
    Family f{"activation", "A function of every element (softmax, log_softmax and sparsemax: of every row).", {}, {}, true};
    for (const ActivationDef &def : table())
      f.types.push_back(&def.spec);
    return f;
  }();
  return family;
}

const ActivationDef &find_activation(const JsonValue &activation) {
  for (const ActivationDef &def : table())
    if (def.spec.name == activation.string_at("type"))
      return def;
  throw InternalFault("no such activation");
}

Var activate(const JsonValue &activation, Var x) { return find_activation(activation).apply(activation, x); }

std::string rectifier_names() {
  std::vector<std::string_view> names;
  for (const ActivationDef &def : table())
    if (def.rectifier)
      names.push_back(def.spec.name);
  std::string text;
  for (size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + std::string(names[i]);
  return text;
}

} // namespace gradc
