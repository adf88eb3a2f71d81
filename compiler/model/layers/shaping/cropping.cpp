// cropping: an example without the positions at its border.
#include "compiler/model/layers/shaping/borders.h"

#include <fmt/format.h>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  Shape output = input.shape;
  const Borders cut = require_borders(l, "cropping");
  for (size_t axis = 0; axis < output.size(); ++axis) {
    output[axis] -= cut.before[axis] + cut.after[axis];
    if (output[axis] < 1)
      throw LayerError("cropping", fmt::format("nothing is left of axis {} of '{}', shape {}, without {} elements before and {} after", axis,
                                               input.name, to_string(input.shape), cut.before[axis], cut.after[axis]));
  }
  return output;
}

Var build(const LayerBuild &b) {
  const Borders cut = borders_with_batch(b, "cropping");
  std::vector<int64_t> limits = b.inputs[0].shape();
  for (size_t dim = 0; dim < limits.size(); ++dim)
    limits[dim] -= cut.after[dim];
  return apply("slice", {b.inputs[0]}, {{"starts", cut.before}, {"limits", limits}});
}

} // namespace

extern const LayerDef layer_cropping;
const LayerDef layer_cropping = {
    {"cropping",
     "An example without elements at both ends of each axis but the last, the channels.",
     {border_key("cropping", "how many: a number for all, or a list with a number or a pair [before, after] for each axis but the last")}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
