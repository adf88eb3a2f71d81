// add: the sum of inputs of one shape.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Var build(const LayerBuild &b) {
  Var sum = b.inputs[0];
  for (size_t i = 1; i < b.inputs.size(); ++i)
    sum = sum + b.inputs[i];
  return sum;
}

extern const LayerDef layer_add;
const LayerDef layer_add = {
    {"add", "The sum of its inputs, which have one shape.", {}}, 2, kAnyNumber, equal_shapes, build};

} // namespace gradc
