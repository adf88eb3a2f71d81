// dropout: in training each element is 0 with probability `rate`, the others are scaled so that the mean
// stays; else the identity. Srivastava et al. 2014, in the "inverted" form that leaves prediction untouched.
#include "compiler/model/layers/random/drop.h"

namespace gradc {
namespace {

Var build(const LayerBuild &b) {
  const Var x = b.inputs[0];
  if (!b.training)
    return x;
  return zeroed_at_random(b, x, b.hyper("rate"), x.type());
}

} // namespace

extern const LayerDef layer_dropout;
const LayerDef layer_dropout = {
    {"dropout",
     "Zeroes elements at random in training and scales the others by 1 / (1 - rate).",
     {drop_rate("probability of a zero; the run-time argument <layer>.rate")}},
    1,
    1,
    drop_shapes,
    build,
};

} // namespace gradc
