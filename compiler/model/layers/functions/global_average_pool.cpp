// global_average_pool: the mean of each channel. Lin, Chen and Yan 2014.
#include "compiler/model/layers/functions/global_pool.h"

namespace gradc {

static Var build(const LayerBuild &b) {
  const Var total = pooled(b, "sum");
  return total * (static_cast<double>(total.type().elements()) / static_cast<double>(b.inputs[0].type().elements()));
}

extern const LayerDef layer_global_average_pool;
const LayerDef layer_global_average_pool = {
    {"global_average_pool", "The mean of each channel of an example: over all axes but the last.", global_pool_keys()},
    1,
    1,
    global_pool_shapes,
    build,
};

} // namespace gradc
