// Rules that look at the sign of a gradient alone.
#include "compiler/model/tables/optimizers/rules.h"

namespace gradc {
namespace {

using Slots = std::vector<Slot>;

/// Chen et al. 2023, "Symbolic discovery of optimization algorithms".
Var lion(const OptimizerStep &s) {
  const double b1 = s.attrs.number_at("beta1"), b2 = s.attrs.number_at("beta2");
  const Var direction = sign(b1 * s.slot("m") + (1 - b1) * s.g);
  average(s, "m", b2, s.g);
  return s.w - s.learning_rate * direction;
}

/// Riedmiller and Braun 1993, without backtracking: where a gradient has changed its sign the step is smaller the next time,
/// and now 0.
Var rprop(const OptimizerStep &s) {
  const Var product = s.slot("g") * s.g;
  const Var factor =
      select(greater(product, 0), number_like(s.g, s.attrs.number_at("eta_plus")),
             select(less(product, number_like(product, 0)), number_like(s.g, s.attrs.number_at("eta_minus")), 1));
  const Var before = select(equal(s.count, 1), s.learning_rate, s.slot("size"));
  const Var size = minimum(maximum(before * factor, number_like(s.g, s.attrs.number_at("step_min"))),
                           number_like(s.g, s.attrs.number_at("step_max")));
  const Var g = select(less(product, number_like(product, 0)), 0, s.g);
  s.set_slot("size", size);
  s.set_slot("g", g);
  return s.w - size * sign(g);
}

std::optional<Mistake> steps_in_order(const JsonValue &attrs) {
  if (attrs.number_at("step_min") > attrs.number_at("step_max"))
    return Mistake{"step_min", "'step_min' is above 'step_max'"};
  return std::nullopt;
}

} // namespace

std::vector<OptimizerDef> sign_family() {
  using attr::number;
  return {
      optimizer({"lion",
                 "w - rate sign(beta1 m + (1 - beta1) g); then m = beta2 m + (1 - beta2) g. Decay is decoupled",
                 "0.0001",
                 {number("beta1", "share of the average in the direction").at_least(0).below(1).defaults_to("0.9"),
                  number("beta2", "decay of the average of the gradient").at_least(0).below(1).defaults_to("0.99")},
                 [](const JsonValue &, const Shape &) { return Slots{{"m"}}; },
                 lion,
                 Decay::decoupled}),
      optimizer({"rprop",
                 "w - size sign(g): the size of each element's step, at first the rate, grows by eta_plus where g keeps its "
                 "sign and shrinks by eta_minus where it does not. For batches of all examples; a schedule changes nothing "
                 "after the first step",
                 "0.01",
                 {number("eta_minus", "factor where the sign changes").above(0).below(1).defaults_to("0.5"),
                  number("eta_plus", "factor where it stays").above(1).defaults_to("1.2"),
                  number("step_min", "the smallest size").above(0).defaults_to("1e-6"),
                  number("step_max", "the largest size").above(0).defaults_to("50")},
                 [](const JsonValue &, const Shape &) { return Slots{{"g"}, {"size"}}; },
                 rprop,
                 Decay::either,
                 "0",
                 steps_in_order}),
  };
}

} // namespace gradc
