// prelu: a rectifier whose slope for negative x is learned. He et al. 2015.
#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/initializers.h"

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const Shape &input = l.inputs[0].shape;
  const bool one = l.attrs.string_at("slopes") == "one" || input.empty();
  l.params.push_back({"slope", one ? Shape{} : Shape{input.back()}, l.attrs.at("slope_initializer")});
  return input;
}

/// The slope at 0 is that from below.
Var build(const LayerBuild &b) {
  const Var x = b.inputs[0];
  return select(greater(x, 0), x, b.param("slope") * x);
}

} // namespace

extern const LayerDef layer_prelu;
const LayerDef layer_prelu = {
    {"prelu",
     "x for x > 0, else slope * x with learned slopes.",
     {attr::choice("slopes", {"one", "features"}, "one slope, or one for each position of the last axis")
          .defaults_to("\"one\""),
      attr::one_of("slope_initializer", initializers(), "initial slope")
          .defaults_to("{\"type\": \"constant\", \"value\": 0.25}")}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
