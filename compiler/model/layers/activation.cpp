// activation: an activation function as a layer of its own.
#include "compiler/model/tables/activations.h"
#include "compiler/model/layers/layer.h"

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  if (find_activation(l.attrs.at("activation")).link == Link::softmax && l.inputs[0].shape.empty())
    throw LayerError("", "softmax needs at least one axis, but '" + l.inputs[0].name + "' has shape []");
  return l.inputs[0].shape;
}

Var build(const LayerBuild &b) { return activate(b.attrs.at("activation"), b.inputs[0]); }

} // namespace

extern const LayerDef layer_activation;
const LayerDef layer_activation = {
    {"activation", "An activation on its own.", {attr::one_of("activation", activations(), "the function")}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
