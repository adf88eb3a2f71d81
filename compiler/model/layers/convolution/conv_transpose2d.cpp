// conv_transpose2d: a transposed convolution along two axes, as torch.nn.ConvTranspose2d.
#include "compiler/model/layers/convolution/convolution.h"

namespace gradc {

extern const LayerDef layer_conv_transpose2d;
const LayerDef layer_conv_transpose2d = {
    {"conv_transpose2d",
     "activation(y + b), where y is the transposed convolution of [height, width, channels] with W, [kernel height, kernel "
     "width, channels / groups, filters].",
     transposed_convolution_keys(2)},
    1,
    1,
    [](LayerShapes &l) { return transposed_convolution_shapes(l, 2); },
    build_transposed_convolution,
};

} // namespace gradc
