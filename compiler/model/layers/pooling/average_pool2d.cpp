// average_pool2d: the mean of each window of each channel.
#include "compiler/model/layers/pooling/pool.h"

namespace gradc {

extern const LayerDef layer_average_pool2d;
const LayerDef layer_average_pool2d = {
    {"average_pool2d", "The mean of each window of each channel of [height, width, channels].", average_pool_keys(2)},
    1,
    1,
    [](LayerShapes &l) { return pool_shapes(l, 2); },
    build_average_pool,
};

} // namespace gradc
