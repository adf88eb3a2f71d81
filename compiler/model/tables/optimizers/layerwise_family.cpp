// Rules whose rate for a parameter follows from the norms of the parameter and of its step, for large batches.
#include "compiler/model/tables/optimizers/rules.h"

namespace gradc {
namespace {

using Slots = std::vector<Slot>;

/// You, Gitman and Ginsburg 2017, "Large batch training of convolutional networks", algorithm 1.
Var lars(const OptimizerStep &s) {
  const Var size = norm(s.w);
  Var length = norm(s.g), g = s.g;
  if (s.weight_decay) {
    length = length + *s.weight_decay * size;
    g = g + *s.weight_decay * s.w;
  }
  const Var ratio = trust_ratio(s.attrs.number_at("trust_coefficient"), size, length);
  return s.w - velocity(s, s.learning_rate * ratio * g);
}

/// You et al. 2020, "Large batch optimization for deep learning", algorithm 2 with phi the identity.
Var lamb(const OptimizerStep &s) {
  const double b1 = s.attrs.number_at("beta1"), b2 = s.attrs.number_at("beta2");
  const Var m = average(s, "m", b1, s.g), v = average(s, "v", b2, square(s.g));
  const DType dtype = s.w.dtype();
  const Var root = sqrt(v) * cast(1 / sqrt(collected(b2, s.count)), dtype);
  Var step = m * cast(1 / collected(b1, s.count), dtype) / (root + s.attrs.number_at("epsilon"));
  if (s.weight_decay)
    step = step + *s.weight_decay * s.w;
  return s.w - s.learning_rate * trust_ratio(1, norm(s.w), norm(step)) * step;
}

} // namespace

std::vector<OptimizerDef> layerwise_family() {
  return {
      optimizer({"lamb",
                 "u = m / (sqrt(v) + epsilon) + weight_decay w, m and v as in adam; w - rate |w| / |u| u with the norms of the "
                 "parameter; a ratio with 0 in it is 1",
                 "0.001", adam_keys("0.999", "1e-6"), [](const JsonValue &, const Shape &) { return Slots{{"m"}, {"v"}}; },
                 lamb, Decay::own, "0.01"}),
      optimizer({"lars",
                 "v = momentum v + rate r (g + weight_decay w); w - v, with r = trust_coefficient |w| / (|g| + weight_decay "
                 "|w|) of the parameter; a ratio with 0 in it is 1",
                 "1",
                 {share_of_velocity("0.9"),
                  attr::number("trust_coefficient", "length of a step of rate 1, in lengths of the parameter")
                      .above(0)
                      .defaults_to("0.001")},
                 [](const JsonValue &, const Shape &) { return Slots{{"v"}}; },
                 lars,
                 Decay::own}),
  };
}

} // namespace gradc
