// split: one of the equal parts of an axis. A layer has one output, so each part is a layer.
#include "compiler/model/layers/layer.h"

#include <fmt/format.h>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  const size_t axis = require_axis(input, "axis", l.attrs.integer_at("axis"));
  const int64_t parts = l.attrs.integer_at("parts"), part = l.attrs.integer_at("part");
  if (part >= parts)
    throw LayerError("part", fmt::format("there is no part {} among {}: the first is 0", part, parts));
  Shape output = input.shape;
  if (output[axis] % parts != 0)
    throw LayerError("parts", fmt::format("axis {} of '{}', shape {}, does not make {} parts of one size", axis, input.name,
                                          to_string(output), parts));
  output[axis] /= parts;
  return output;
}

Var build(const LayerBuild &b) {
  const Var x = b.inputs[0];
  const auto axis = static_cast<size_t>(axis_of(b.attrs.integer_at("axis"), b.output.size()) + 1);
  std::vector<int64_t> starts(x.shape().size(), 0), limits = x.shape();
  const int64_t size = b.output[axis - 1];
  starts[axis] = b.attrs.integer_at("part") * size, limits[axis] = starts[axis] + size;
  return apply("slice", {x}, {{"starts", starts}, {"limits", limits}});
}

} // namespace

extern const LayerDef layer_split;
const LayerDef layer_split = {
    {"split",
     "Part number `part` of the `parts` of one size that an axis is split into; a layer for each part that is used.",
     {attr::integer("parts", "how many").at_least(1).at_most(kMaxDim),
      attr::integer("part", "which one; the first is 0").at_least(0).at_most(kMaxDim),
      attr::integer("axis", "of an example; negative counts from the end").defaults_to("-1").decides_shape()}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
