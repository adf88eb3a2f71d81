// minimum: the elementwise minimum of its inputs.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Var build(const LayerBuild &b) {
  const std::vector<Var> inputs = aligned(b);
  Var smallest = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i)
    smallest = minimum(smallest, inputs[i]);
  return smallest;
}

extern const LayerDef layer_minimum;
const LayerDef layer_minimum = {
    {"minimum",
     "The smallest of its inputs, elementwise; their shapes broadcast. Two that tie share the gradient.",
     {}},
    2,
    kAnyNumber,
    broadcast_shapes,
    build};

} // namespace gradc
