// divide: the elementwise quotient of two inputs.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Var build(const LayerBuild &b) {
  const std::vector<Var> inputs = aligned(b);
  return inputs[0] / inputs[1];
}

extern const LayerDef layer_divide;
const LayerDef layer_divide = {
    {"divide",
     "The first input divided by the second, elementwise; their shapes broadcast. A division by 0 is infinite, as in PyTorch.",
     {}},
    2,
    2,
    broadcast_shapes,
    build};

} // namespace gradc
