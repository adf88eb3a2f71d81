// conv1d: a convolution along one axis.
#include "compiler/model/layers/convolution/convolution.h"

namespace gradc {

extern const LayerDef layer_conv1d;
const LayerDef layer_conv1d = {
    {"conv1d",
     "activation(y + b), where y is the convolution of [width, channels] with W, [kernel width, channels / groups, filters].",
     convolution_keys(1)},
    1,
    1,
    [](LayerShapes &l) { return convolution_shapes(l, 1); },
    build_convolution,
};

} // namespace gradc
