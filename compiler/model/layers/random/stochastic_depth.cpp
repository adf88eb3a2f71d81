// stochastic_depth: dropout of whole examples, for the branch beside a shortcut. Huang et al. 2016, in the inverted form of
// torchvision.ops.StochasticDepth with mode "row".
#include "compiler/model/layers/random/drop.h"

namespace gradc {
namespace {

Var build(const LayerBuild &b) {
  const Var x = b.inputs[0];
  if (!b.training)
    return x;
  Shape of_examples(x.shape().size(), 1);
  of_examples[0] = b.batch;
  return zeroed_at_random(b, x, b.hyper("rate"), {x.dtype(), of_examples});
}

} // namespace

extern const LayerDef layer_stochastic_depth;
const LayerDef layer_stochastic_depth = {
    {"stochastic_depth",
     "Zeroes whole examples at random in training and scales the others by 1 / (1 - rate); for what is added to a shortcut.",
     {drop_rate("probability of a zero; the run-time argument <layer>.rate")}},
    1,
    1,
    drop_shapes,
    build,
};

} // namespace gradc
