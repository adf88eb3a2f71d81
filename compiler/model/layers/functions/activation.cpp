// activation: an activation function as a layer of its own.
#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/activations.h"

#include <fmt/format.h>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const ActivationDef &def = find_activation(l.attrs.at("activation"));
  if (def.of_rows && l.inputs[0].shape.empty())
    throw LayerError("", fmt::format("{} needs at least one axis, but '{}' has shape []", def.spec.name, l.inputs[0].name));
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
