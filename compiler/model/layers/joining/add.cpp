// add: the elementwise sum of its inputs.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Var build(const LayerBuild &b) {
  const std::vector<Var> inputs = aligned(b);
  Var sum = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i)
    sum = sum + inputs[i];
  return sum;
}

extern const LayerDef layer_add;
const LayerDef layer_add = {
    {"add", "The elementwise sum of its inputs, whose shapes broadcast.", {}}, 2, kAnyNumber, broadcast_shapes, build};

} // namespace gradc
