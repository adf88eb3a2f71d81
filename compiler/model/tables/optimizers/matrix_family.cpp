// Rules that see a weight as the matrix that it is.
#include "compiler/model/tables/optimizers/rules.h"

#include <algorithm>
#include <cmath>

namespace gradc {
namespace {

using Slots = std::vector<Slot>;

bool is_matrix(const Shape &shape) { return shape.size() == 2; }

Var product(const char *indices, Var a, Var b) { return apply("contract", {a, b}, {{"indices", indices}}); }

/// Nearly U V' of x = U S V': Newton-Schulz steps x = a x + (b A + c A A) x with A = x x', on the shorter side, after division
/// by the norm.
Var orthogonalized(const JsonValue &attrs, Var x) {
  const std::vector<JsonValue> &k = attrs.at("ns_coefficients").items;
  const bool wide = x.shape()[0] <= x.shape()[1];
  const Var size = norm(x);
  x = x / maximum(size, number_like(size, 1e-7));
  for (int64_t step = 0; step < attrs.integer_at("ns_steps"); ++step) {
    const Var a = wide ? product("ik,jk->ij", x, x) : product("ki,kj->ij", x, x);
    const Var b = k[1].number * a + k[2].number * product("ij,jk->ik", a, a);
    x = k[0].number * x + (wide ? product("ij,jk->ik", b, x) : product("ij,jk->ik", x, b));
  }
  return x;
}

/// What makes rates of matrices of all shapes comparable. Weights are [inputs, outputs].
double factor_of(const JsonValue &attrs, const Shape &shape) {
  const double inputs = static_cast<double>(shape[0]), outputs = static_cast<double>(shape[1]);
  if (attrs.string_at("adjust_learning_rate") == "original")
    return std::sqrt(std::max(1.0, outputs / inputs));
  return 0.2 * std::sqrt(std::max(inputs, outputs));
}

/// Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; the rest as adamw.
Var muon(const OptimizerStep &s) {
  if (!is_matrix(s.w.shape()))
    return adam_rule(s, false);
  const double b = s.attrs.number_at("momentum");
  const Var m = average(s, "m", b, s.g);
  const Var direction = orthogonalized(s.attrs, s.attrs.boolean_at("nesterov") ? (1 - b) * s.g + b * m : m);
  return s.w - s.learning_rate * factor_of(s.attrs, s.w.shape()) * direction;
}

} // namespace

std::vector<OptimizerDef> matrix_family() {
  std::vector<Attr> keys = {
      share_of_velocity("0.95"),
      attr::boolean("nesterov", "the gradient counts once more, as if taken one step ahead").defaults_to("true"),
      attr::integer("ns_steps", "steps of the Newton-Schulz iteration").at_least(1).at_most(100).defaults_to("5"),
      attr::list("ns_coefficients", attr::number("", ""), "a, b and c of a x + b x x' x + c x x' x x' x")
          .items(3, 3)
          .defaults_to("[3.4445, -4.775, 2.0315]"),
      attr::choice("adjust_learning_rate", {"original", "match_rms_adamw"},
                   "multiplies the rate of a matrix by sqrt(max(1, outputs / inputs)), or by 0.2 sqrt(max(inputs, outputs))")
          .defaults_to("\"original\"")};
  const std::vector<Attr> adam = adam_keys();
  keys.insert(keys.end(), adam.begin(), adam.end());
  return {
      optimizer({"muon",
                 "matrices: m = momentum m + (1 - momentum) g; w - rate O(m), where O makes all singular values about 1 by a "
                 "Newton-Schulz iteration; other parameters: adamw with the same rate. As torch.optim.Muon, but in the type of "
                 "the model where that has bfloat16. Decay is decoupled",
                 "0.001", std::move(keys),
                 [](const JsonValue &, const Shape &shape) { return is_matrix(shape) ? Slots{{"m"}} : Slots{{"m"}, {"v"}}; },
                 muon, Decay::decoupled, "0.1"})};
}

} // namespace gradc
