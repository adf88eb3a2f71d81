// subtract: the elementwise difference of two inputs.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Var build(const LayerBuild &b) {
  const std::vector<Var> inputs = aligned(b);
  return inputs[0] - inputs[1];
}

extern const LayerDef layer_subtract;
const LayerDef layer_subtract = {
    {"subtract", "The first input minus the second; their shapes broadcast.", {}}, 2, 2, broadcast_shapes, build};

} // namespace gradc
