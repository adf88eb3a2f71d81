// conv_transpose1d: a transposed convolution along one axis, as torch.nn.ConvTranspose1d.
#include "compiler/model/layers/convolution/convolution.h"

namespace gradc {

extern const LayerDef layer_conv_transpose1d;
const LayerDef layer_conv_transpose1d = {
    {"conv_transpose1d",
     "activation(y + b), where y is the transposed convolution of [width, channels] with W, [kernel width, channels / groups, "
     "filters].",
     transposed_convolution_keys(1)},
    1,
    1,
    [](LayerShapes &l) { return transposed_convolution_shapes(l, 1); },
    build_transposed_convolution,
};

} // namespace gradc
