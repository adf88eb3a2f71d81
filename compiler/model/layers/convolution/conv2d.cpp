// conv2d: a convolution along two axes.
#include "compiler/model/layers/convolution/convolution.h"

namespace gradc {

extern const LayerDef layer_conv2d;
const LayerDef layer_conv2d = {
    {"conv2d",
     "activation(y + b), where y is the convolution of [height, width, channels] with W, [kernel height, kernel width, "
     "channels / groups, filters].",
     convolution_keys(2)},
    1,
    1,
    [](LayerShapes &l) { return convolution_shapes(l, 2); },
    build_convolution,
};

} // namespace gradc
