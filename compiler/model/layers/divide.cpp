// divide: the elementwise quotient of two inputs of one shape.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Shape shapes(LayerShapes &l) {
  require_equal_shapes(l);
  return l.inputs[0].shape;
}

static Var build(const LayerBuild &b) { return b.inputs[0] / b.inputs[1]; }

extern const LayerDef layer_divide;
const LayerDef layer_divide = {
    {"divide",
     "The first input divided by the second, elementwise; they have one shape. A division by 0 is infinite, as in PyTorch.",
     {}},
    2,
    2,
    shapes,
    build};

} // namespace gradc
