// concat: inputs one behind the other along an axis.
#include "compiler/model/layers/layer.h"

#include <fmt/format.h>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  Shape output = l.inputs[0].shape;
  const size_t along = require_axis(l.inputs[0], "axis", l.attrs.integer_at("axis"));
  for (size_t i = 1; i < l.inputs.size(); ++i) {
    Shape other = l.inputs[i].shape;
    const int64_t extent = other.size() == output.size() ? other[along] : 0;
    if (other.size() == output.size())
      other[along] = output[along];
    if (other != output)
      throw LayerError("", fmt::format("the shapes {} of '{}' and {} of '{}' differ in more than axis {}",
                                       to_string(l.inputs[0].shape), l.inputs[0].name,
                                       to_string(l.inputs[i].shape), l.inputs[i].name, along));
    output[along] += extent;
  }
  return output;
}

Var build(const LayerBuild &b) {
  return apply("concat", b.inputs, {{"dim", axis_of(b.attrs.integer_at("axis"), b.output.size()) + 1}});
}

} // namespace

extern const LayerDef layer_concat;
const LayerDef layer_concat = {
    {"concat",
     "Its inputs one behind the other; their shapes agree in all other axes.",
     {attr::integer("axis", "of an example; negative counts from the end").defaults_to("-1").decides_shape()}},
    1,
    kAnyNumber,
    shapes,
    build,
};

} // namespace gradc
