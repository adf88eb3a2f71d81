// average_pool1d: the mean of each window of each channel.
#include "compiler/model/layers/pooling/pool.h"

namespace gradc {

extern const LayerDef layer_average_pool1d;
const LayerDef layer_average_pool1d = {
    {"average_pool1d", "The mean of each window of each channel of [width, channels].", average_pool_keys(1)},
    1,
    1,
    [](LayerShapes &l) { return pool_shapes(l, 1); },
    build_average_pool,
};

} // namespace gradc
