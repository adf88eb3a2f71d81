// conv3d: a convolution along three axes.
#include "compiler/model/layers/convolution/convolution.h"

namespace gradc {

extern const LayerDef layer_conv3d;
const LayerDef layer_conv3d = {
    {"conv3d",
     "activation(y + b), where y is the convolution of [depth, height, width, channels] with W, [kernel depth, kernel height, "
     "kernel width, channels / groups, filters].",
     convolution_keys(3)},
    1,
    1,
    [](LayerShapes &l) { return convolution_shapes(l, 3); },
    build_convolution,
};

} // namespace gradc
