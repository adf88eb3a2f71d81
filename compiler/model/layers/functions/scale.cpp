// scale: multiplication by a constant.
#include "compiler/model/layers/layer.h"

namespace gradc {

static Shape shapes(LayerShapes &l) { return l.inputs[0].shape; }
static Var build(const LayerBuild &b) { return b.inputs[0] * b.attrs.number_at("factor"); }

extern const LayerDef layer_scale;
const LayerDef layer_scale = {
    {"scale", "x * factor", {attr::number("factor", "the constant")}}, 1, 1, shapes, build};

} // namespace gradc
