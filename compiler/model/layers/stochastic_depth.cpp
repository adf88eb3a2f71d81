// stochastic_depth: dropout of whole examples, for the branch beside a shortcut. Huang et al. 2016, in the inverted form of
// torchvision.ops.StochasticDepth with mode "row".
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
  Shape of_examples(x.shape().size(), 1);
  of_examples[0] = b.batch;
  const Var uniform = apply("random_uniform", {b.seed, b.step}, {{"stream", b.stream}}, Type{x.dtype(), of_examples});
  return select(less(uniform, rate), number_like(x, 0), x * (1 / (1 - rate)));
}

} // namespace

extern const LayerDef layer_stochastic_depth;
const LayerDef layer_stochastic_depth = {
    {"stochastic_depth",
     "Zeroes whole examples at random in training and scales the others by 1 / (1 - rate); for what is added to a shortcut.",
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
