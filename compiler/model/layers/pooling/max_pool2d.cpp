// max_pool2d: the largest element of each window of each channel.
#include "compiler/model/layers/pooling/pool.h"

namespace gradc {

extern const LayerDef layer_max_pool2d;
const LayerDef layer_max_pool2d = {
    {"max_pool2d",
     "The largest element of each window of each channel of [height, width, channels]; of equal ones the gradient goes to the "
     "first.",
     max_pool_keys(2)},
    1,
    1,
    [](LayerShapes &l) { return pool_shapes(l, 2); },
    build_max_pool,
};

} // namespace gradc
