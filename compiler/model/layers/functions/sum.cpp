// sum: the sum over axes.
#include "compiler/model/layers/functions/reduction.h"

namespace gradc {

extern const LayerDef layer_sum;
const LayerDef layer_sum = {
    {"sum", "The sum over axes of an example.", reduction_keys()}, 1, 1, reduction_shapes, reduction_sum};

} // namespace gradc
