// max_pool1d: the largest element of each window of each channel.
#include "compiler/model/layers/pooling/pool.h"

namespace gradc {

extern const LayerDef layer_max_pool1d;
const LayerDef layer_max_pool1d = {
    {"max_pool1d",
     "The largest element of each window of each channel of [width, channels]; of equal ones the gradient goes to the first.",
     max_pool_keys(1)},
    1,
    1,
    [](LayerShapes &l) { return pool_shapes(l, 1); },
    build_max_pool,
};

} // namespace gradc
