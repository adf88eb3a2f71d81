// maximum: the elementwise maximum of its inputs.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Var build(const LayerBuild &b) {
  const std::vector<Var> inputs = aligned(b);
  Var largest = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i)
    largest = maximum(largest, inputs[i]);
  return largest;
}

extern const LayerDef layer_maximum;
const LayerDef layer_maximum = {
    {"maximum",
     "The largest of its inputs, elementwise; their shapes broadcast. Two that tie share the gradient.",
     {}},
    2,
    kAnyNumber,
    broadcast_shapes,
    build};

} // namespace gradc
