// The activations, one row each: name, doc, attributes, formula.
#include "compiler/model/tables/activations.h"

#include "ir/error.h"

#include <numbers>

namespace gradc {

Var softmax(Var x) {
  // The maximum cancels in the quotient, so no gradient flows through it.
  const Var e = exp(x - stop_gradient(max_last_keep(x)));
  return e / sum_last_keep(e);
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

Var elu(const JsonValue &attrs, Var x) {
  const Var negative = minimum(x, number_like(x, 0)); // expm1 of a large x must not overflow
  return select(greater(x, 0), x, attrs.number_at("alpha") * expm1(negative));
}

/// Not by 1 + erf(x / sqrt(2)), of which little is left for negative x: at -5, 4% are wrong in f32.
Var gelu(const JsonValue &, Var x) { return 0.5 * x * erfc(x * (-1 / std::numbers::sqrt2)); }

const std::vector<ActivationDef> &table() {
  using attr::number;
  static const std::vector<ActivationDef> defs = {
      {{"linear", "x", {}}, false, Link::none, [](const JsonValue &, Var x) { return x; }},
      {{"relu", "max(x, 0)", {}}, true, Link::none, relu},
      {{"leaky_relu",
        "x for x > 0, else alpha * x",
        {number("alpha", "the slope for negative x").at_least(0).defaults_to("0.01")}},
       true,
       Link::none,
       leaky_relu},
      {{"elu",
        "x for x > 0, else alpha * (exp(x) - 1)",
        {number("alpha", "minus the limit for negative x").at_least(0).defaults_to("1")}},
       true,
       Link::none,
       elu},
      {{"sigmoid", "1 / (1 + exp(-x))", {}}, false, Link::sigmoid, [](const JsonValue &, Var x) { return sigmoid(x); }},
      {{"tanh", "tanh(x)", {}}, false, Link::none, [](const JsonValue &, Var x) { return tanh(x); }},
      {{"softplus", "log(1 + exp(x))", {}}, true, Link::none, softplus},
      {{"gelu", "x * P(X < x) for a standard normal X, exactly: x / 2 * erfc(-x / sqrt(2))", {}},
       true,
       Link::none,
       gelu},
      {{"softmax", "exp(x) / sum(exp(x)) over the last axis", {}},
       false,
       Link::softmax,
       [](const JsonValue &, Var x) { return softmax(x); }},
  };
  return defs;
}

} // namespace

const Family &activations() {
  static const Family family = [] {
    Family f{"activation", "A function applied to every element (softmax: to every row).", {}, {}, true};
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
