// multiply: the elementwise product of its inputs.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Var build(const LayerBuild &b) {
  const std::vector<Var> inputs = aligned(b);
  Var product = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i)
    product = product * inputs[i];
  return product;
}

extern const LayerDef layer_multiply;
const LayerDef layer_multiply = {
    {"multiply", "The elementwise product of its inputs, whose shapes broadcast: [c] or [1, 1, c] scales the channels of [h, w, c].", {}},
    2,
    kAnyNumber,
    broadcast_shapes,
    build};

} // namespace gradc
