// zero_padding: zeros around the positions of an example.
#include "compiler/model/layers/shaping/borders.h"

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  Shape output = l.inputs[0].shape;
  const Borders zeros = require_borders(l, "padding");
  for (size_t axis = 0; axis < output.size(); ++axis)
    output[axis] += zeros.before[axis] + zeros.after[axis];
  return output;
}

Var build(const LayerBuild &b) {
  const Borders zeros = borders_with_batch(b, "padding");
  return apply("pad", {b.inputs[0]}, {{"low", zeros.before}, {"high", zeros.after}});
}

} // namespace

extern const LayerDef layer_zero_padding;
const LayerDef layer_zero_padding = {
    {"zero_padding",
     "Zeros before and after the elements of each axis but the last, the channels.",
     {border_key("padding", "how many: a number for all, or a list with a number or a pair [before, after] for each axis but the last")}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
