// flatten: all axes of an example become one.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Shape shapes(LayerShapes &l) { return {element_count(l.inputs[0].shape)}; }
static Var build(const LayerBuild &b) { return reshape(b.inputs[0], b.batched(b.output)); }

extern const LayerDef layer_flatten;
const LayerDef layer_flatten = {{"flatten", "All axes of an example as one.", {}}, 1, 1, shapes, build};

} // namespace gradc
