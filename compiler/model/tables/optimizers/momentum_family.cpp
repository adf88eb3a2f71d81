// Rules along the gradient, with or without a velocity, and those that scale it by what they have seen of its size.
#include "compiler/model/tables/optimizers/rules.h"

namespace gradc {
namespace {

using Slots = std::vector<Slot>;

/// The direction in which a rule with momentum goes, given its gradient.
Var along(const OptimizerStep &s, bool nesterov) {
  const Var v = velocity(s, s.g);
  return nesterov ? s.g + s.attrs.number_at("momentum") * v : v;
}

Var sgd(const OptimizerStep &s) {
  if (s.attrs.number_at("momentum") == 0)
    return s.w - s.learning_rate * s.g;
  return s.w - s.learning_rate * along(s, s.attrs.boolean_at("nesterov"));
}

Var momentum(const OptimizerStep &s) { return s.w - s.learning_rate * along(s, false); }

Var nesterov(const OptimizerStep &s) { return s.w - s.learning_rate * along(s, true); }

Slots velocity_if_any(const JsonValue &attrs, const Shape &) {
  return attrs.number_at("momentum") > 0 ? Slots{{"v"}} : Slots{};
}
Slots velocity_alone(const JsonValue &, const Shape &) { return {{"v"}}; }

std::optional<Mistake> nesterov_without_momentum(const JsonValue &attrs) {
  if (attrs.boolean_at("nesterov") && attrs.number_at("momentum") == 0)
    return Mistake{"nesterov", "'nesterov' needs a 'momentum' above 0"};
  return std::nullopt;
}

Var adagrad(const OptimizerStep &s) {
  const Var total = s.slot("sum") + square(s.g);
  s.set_slot("sum", total);
  return s.w - s.learning_rate * s.g / (sqrt(total) + s.attrs.number_at("epsilon"));
}

Var rmsprop(const OptimizerStep &s) {
  const Var a = average(s, "s", s.attrs.number_at("alpha"), square(s.g));
  const Var direction = s.g / (sqrt(a) + s.attrs.number_at("epsilon"));
  return s.w - s.learning_rate * (s.attrs.number_at("momentum") > 0 ? velocity(s, direction) : direction);
}

Slots rmsprop_slots(const JsonValue &attrs, const Shape &) {
  return attrs.number_at("momentum") > 0 ? Slots{{"s"}, {"v"}} : Slots{{"s"}};
}

/// Zeiler 2012: the gradient in units of its own size, times the size that steps had.
Var adadelta(const OptimizerStep &s) {
  const double rho = s.attrs.number_at("rho"), epsilon = s.attrs.number_at("epsilon");
  const Var sizes = average(s, "s", rho, square(s.g));
  const Var step = sqrt(s.slot("d") + epsilon) / sqrt(sizes + epsilon) * s.g;
  average(s, "d", rho, square(step));
  return s.w - s.learning_rate * step;
}

} // namespace

std::vector<OptimizerDef> momentum_family() {
  using attr::number;
  return {
      optimizer({"sgd",
                 "w - rate g; with momentum v = momentum v + g; w - rate v, or with nesterov w - rate (g + momentum v)",
                 "0.01",
                 {share_of_velocity("0"),
                  attr::boolean("nesterov", "the gradient counts once more, as if taken one step ahead").defaults_to("false")},
                 velocity_if_any,
                 sgd,
                 Decay::either,
                 "0",
                 nesterov_without_momentum}),
      optimizer({"momentum",
                 "v = momentum v + g; w - rate v. Keras has the rate inside v, which differs where the rate changes",
                 "0.01",
                 {share_of_velocity("0.9")},
                 velocity_alone,
                 momentum}),
      optimizer({"nesterov",
                 "v = momentum v + g; w - rate (g + momentum v)",
                 "0.01",
                 {share_of_velocity("0.9")},
                 velocity_alone,
                 nesterov}),
      optimizer({"adagrad",
                 "sum += g^2; w - rate g / (sqrt(sum) + epsilon). The sum begins at 0, in Keras at 0.1",
                 "0.01",
                 {number("epsilon", "added to the root").above(0).defaults_to("1e-10")},
                 [](const JsonValue &, const Shape &) { return Slots{{"sum"}}; },
                 adagrad}),
      optimizer(
          {"rmsprop",
           "s = alpha s + (1 - alpha) g^2; w - rate g / (sqrt(s) + epsilon). Keras has 0.9 for alpha, and epsilon in the root",
           "0.01",
           {number("alpha", "decay of the average of g^2").at_least(0).below(1).defaults_to("0.99"),
            number("epsilon", "added to the root").above(0).defaults_to("1e-8"), share_of_velocity("0")},
           rmsprop_slots,
           rmsprop}),
      optimizer({"adadelta",
                 "s = rho s + (1 - rho) g^2; u = sqrt(d + epsilon) / sqrt(s + epsilon) g; d = rho d + (1 - rho) u^2; w - rate "
                 "u. Defaults are PyTorch's; Keras has rho 0.95, epsilon 1e-7 and rate 0.001",
                 "1",
                 {number("rho", "decay of both averages").at_least(0).below(1).defaults_to("0.9"),
                  number("epsilon", "added inside both roots").above(0).defaults_to("1e-6")},
                 [](const JsonValue &, const Shape &) { return Slots{{"s"}, {"d"}}; },
                 adadelta}),
  };
}

} // namespace gradc
