// global_max_pool: the largest value of each channel.
#include "compiler/model/layers/functions/global_pool.h"

namespace gradc {

static Var build(const LayerBuild &b) { return pooled(b, "max"); }

extern const LayerDef layer_global_max_pool;
const LayerDef layer_global_max_pool = {
    {"global_max_pool",
     "The largest value of each channel of an example: over all axes but the last. Elements that tie share the gradient.",
     global_pool_keys()},
    1,
    1,
    global_pool_shapes,
    build,
};

} // namespace gradc
