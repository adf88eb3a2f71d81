// maximum: the elementwise maximum of inputs of one shape.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Var build(const LayerBuild &b) {
  Var largest = b.inputs[0];
  for (size_t i = 1; i < b.inputs.size(); ++i)
    largest = maximum(largest, b.inputs[i]);
  return largest;
}

extern const LayerDef layer_maximum;
const LayerDef layer_maximum = {
    {"maximum",
     "The largest of its inputs, elementwise; they have one shape. Two that tie share the gradient.",
     {}},
    2,
    kAnyNumber,
    equal_shapes,
    build};

} // namespace gradc
