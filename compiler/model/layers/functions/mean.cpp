// mean: the mean over axes.
#include "compiler/model/layers/functions/reduction.h"

namespace gradc {

static Var build(const LayerBuild &b) {
  const Var total = reduction_sum(b);
  return total * (static_cast<double>(total.type().elements()) / static_cast<double>(b.inputs[0].type().elements()));
}

extern const LayerDef layer_mean;
const LayerDef layer_mean = {
    {"mean", "The mean over axes of an example.", reduction_keys()}, 1, 1, reduction_shapes, build};

} // namespace gradc
