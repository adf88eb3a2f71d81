// subtract: the difference of two inputs of one shape.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Var build(const LayerBuild &b) { return b.inputs[0] - b.inputs[1]; }

extern const LayerDef layer_subtract;
const LayerDef layer_subtract = {
    {"subtract", "The first input minus the second; they have one shape.", {}}, 2, 2, equal_shapes, build};

} // namespace gradc
