// Adam and what was made of it: moving averages of the gradient and of its square.
#include "compiler/model/tables/optimizers/rules.h"

namespace gradc {
namespace {

using Slots = std::vector<Slot>;

Var adam(const OptimizerStep &s) { return adam_rule(s, s.attrs.boolean_at("amsgrad")); }

Slots averages(const JsonValue &, const Shape &) { return {{"m"}, {"v"}}; }

Slots adam_slots(const JsonValue &attrs, const Shape &) {
  return attrs.boolean_at("amsgrad") ? Slots{{"m"}, {"v"}, {"vmax"}} : Slots{{"m"}, {"v"}};
}

/// Kingma and Ba 2015, section 7.1.
Var adamax(const OptimizerStep &s) {
  const double b1 = s.attrs.number_at("beta1"), b2 = s.attrs.number_at("beta2");
  const Var m = average(s, "m", b1, s.g);
  const Var u = maximum(b2 * s.slot("u"), abs(s.g) + s.attrs.number_at("epsilon"));
  s.set_slot("u", u);
  return s.w - s.learning_rate * cast(1 / collected(b1, s.count), s.w.dtype()) * m / u;
}

/// Dozat 2016. The decay b of the average m follows a schedule, so what m has collected, 1 - b_1 b_2 ... b_n, is itself an
/// average.
Var nadam(const OptimizerStep &s) {
  const double b1 = s.attrs.number_at("beta1"), b2 = s.attrs.number_at("beta2");
  const DType dtype = s.w.dtype();
  const auto decay_at = [&](Var n) { return b1 * (1 - 0.5 * pow(0.96, n * s.attrs.number_at("momentum_decay"))); };
  const Var now = decay_at(s.count), next = decay_at(s.count + 1);
  const Var sum = now * cast(s.slot("collected"), DType::f64) + (1 - now);
  s.set_slot("collected", cast(sum, dtype));
  const Var m = average(s, "m", b1, s.g), v = average(s, "v", b2, square(s.g));
  const Var root = sqrt(v) * cast(1 / sqrt(collected(b2, s.count)), dtype);
  const Var direction = cast((1 - now) / sum, dtype) * s.g + cast(next / (next * sum + (1 - next)), dtype) * m;
  return s.w - s.learning_rate * direction / (root + s.attrs.number_at("epsilon"));
}

/// Liu et al. 2020: the root is used where its variance is known well enough, corrected by it.
Var radam(const OptimizerStep &s) {
  const double b1 = s.attrs.number_at("beta1"), b2 = s.attrs.number_at("beta2"), limit = 2 / (1 - b2) - 1;
  const Var m = average(s, "m", b1, s.g), v = average(s, "v", b2, square(s.g));
  const DType dtype = s.w.dtype();
  const Var rate = s.learning_rate * cast(1 / collected(b1, s.count), dtype);
  if (limit <= 5)
    return s.w - rate * m;
  const Var weights = collected(b2, s.count);
  const Var rho = limit - 2 * s.count * (1 - weights) / weights;
  const Var factor = (rho - 4) * (rho - 2) / rho * (limit / ((limit - 4) * (limit - 2)));
  const Var scale = sqrt(weights * maximum(factor, number_like(factor, 0)));
  const Var size = cast(scale, dtype) / (sqrt(v) + s.attrs.number_at("epsilon"));
  return s.w - rate * m * select(greater(rho, 5), size, 1);
}

} // namespace

std::vector<OptimizerDef> adam_family() {
  std::vector<Attr> own = adam_keys(), nadam_keys = adam_keys();
  own.push_back(attr::boolean("amsgrad", "divides by the largest average of g^2 so far").defaults_to("false"));
  nadam_keys.push_back(
      attr::number("momentum_decay", "how fast beta1 goes from half of it to all of it; 1 is that of Keras")
          .at_least(0)
          .defaults_to("0.004"));
  return {
      optimizer({"adam",
                 "w - rate m / (sqrt(v) + epsilon), m and v the bias-corrected averages of g and g^2. The maximum of amsgrad "
                 "is taken before the correction, as in PyTorch and Keras",
                 "0.001", own, adam_slots, adam}),
      optimizer({"adamw", "adam with weight decay on the weights themselves: w (1 - rate weight_decay) - ...", "0.001", own,
                 adam_slots, adam, Decay::decoupled, "0.01"}),
      optimizer({"adamax",
                 "u = max(beta2 u, |g| + epsilon); w - rate m / u, m the bias-corrected average of g. Keras has the rate "
                 "0.001, and adds epsilon to u where it divides",
                 "0.002", adam_keys(), [](const JsonValue &, const Shape &) { return Slots{{"m"}, {"u"}}; }, adamax}),
      optimizer({"nadam",
                 "adam one step ahead: w - rate ((1 - b) g / c + b' m / c') / (sqrt(v) + epsilon), b = beta1 (1 - 0.96^(n "
                 "momentum_decay) / 2) in step n, b' that of the next, c and c' what averages of such decays have collected. "
                 "Keras has the rate 0.001",
                 "0.002", nadam_keys, [](const JsonValue &, const Shape &) { return Slots{{"m"}, {"v"}, {"collected", true}}; },
                 nadam}),
      optimizer({"radam",
                 "w - rate m r / (sqrt(v) + epsilon) with the rectification r of the paper, and w - rate m in the first steps, "
                 "where v is uncertain. epsilon is added before the bias correction, as in PyTorch",
                 "0.001", adam_keys(), averages, radam}),
  };
}

} // namespace gradc
