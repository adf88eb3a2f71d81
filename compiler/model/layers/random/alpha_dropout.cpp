// alpha_dropout: in training each element is -a with probability `rate`, the limit of selu for negative x; then all are scaled
// and shifted so that mean 0 and variance 1 stay. Klambauer et al. 2017; as torch.nn.AlphaDropout.
#include "compiler/model/layers/random/drop.h"

namespace gradc {
namespace {

constexpr double kLimit = 1.7580993408473766;

Var build(const LayerBuild &b) {
  const Var x = b.inputs[0];
  if (!b.training)
    return x;
  const Var rate = b.hyper("rate");
  const Var uniform = uniform_of_layer(b, x.type());
  const Var scale = 1 / sqrt((1 - rate) * (1 + kLimit * kLimit * rate));
  return select(less(uniform, rate), scale * kLimit * (rate - 1), scale * x + scale * kLimit * rate);
}

} // namespace

extern const LayerDef layer_alpha_dropout;
const LayerDef layer_alpha_dropout = {
    {"alpha_dropout",
     "Dropout for networks of selu: in training elements become the lower limit of selu at random, and all are scaled and "
     "shifted so that mean 0 and variance 1 stay.",
     {drop_rate("probability of the limit; the run-time argument <layer>.rate")}},
    1,
    1,
    drop_shapes,
    build,
};

} // namespace gradc
