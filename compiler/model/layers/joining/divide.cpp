// divide: the elementwise quotient of two inputs of one shape.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Var build(const LayerBuild &b) { return b.inputs[0] / b.inputs[1]; }

extern const LayerDef layer_divide;
const LayerDef layer_divide = {
    {"divide",
     "The first input divided by the second, elementwise; they have one shape. A division by 0 is infinite, as in PyTorch.",
     {}},
    2,
    2,
    equal_shapes,
    build};

} // namespace gradc
