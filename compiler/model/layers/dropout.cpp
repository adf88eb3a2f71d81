// dropout: in training each element is 0 with probability `rate`, the others are scaled so that the mean
// stays; else the identity. Srivastava et al. 2014, in the "inverted" form that leaves prediction untouched.
#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/schedules.h"

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  l.hypers.push_back({"rate", initial_of(l.attrs.at("rate"))});
  return l.inputs[0].shape;
}

Var build(const LayerBuild &b) {
  const Var x = b.inputs[0];
  if (!b.training)
    return x;
  const Var rate = b.hyper("rate");
  const Var uniform = apply("random_uniform", {b.seed, b.step}, {{"stream", b.stream}}, x.type());
  return select(less(uniform, rate), number_like(x, 0), x * (1 / (1 - rate)));
}

} // namespace

extern const LayerDef layer_dropout;
const LayerDef layer_dropout = {
    {"dropout",
     "Zeroes elements at random in training and scales the others by 1 / (1 - rate).",
     {scheduled(attr::number("rate", "probability of a zero; the run-time argument <layer>.rate")
                    .at_least(0)
                    .below(1)
                    .defaults_to("0.5"))}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
