// minimum: the elementwise minimum of inputs of one shape.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Var build(const LayerBuild &b) {
  Var smallest = b.inputs[0];
  for (size_t i = 1; i < b.inputs.size(); ++i)
    smallest = minimum(smallest, b.inputs[i]);
  return smallest;
}

extern const LayerDef layer_minimum;
const LayerDef layer_minimum = {
    {"minimum",
     "The smallest of its inputs, elementwise; they have one shape. Two that tie share the gradient.",
     {}},
    2,
    kAnyNumber,
    equal_shapes,
    build};

} // namespace gradc
