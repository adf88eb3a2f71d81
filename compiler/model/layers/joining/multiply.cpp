// multiply: the elementwise product of inputs of one shape.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Var build(const LayerBuild &b) {
  Var product = b.inputs[0];
  for (size_t i = 1; i < b.inputs.size(); ++i)
    product = product * b.inputs[i];
  return product;
}

extern const LayerDef layer_multiply;
const LayerDef layer_multiply = {
    {"multiply", "The elementwise product of its inputs, which have one shape.", {}},
    2,
    kAnyNumber,
    equal_shapes,
    build};

} // namespace gradc
