// tile: the input repeated along its axes.
#include "compiler/model/layers/layer.h"

#include <fmt/format.h>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  Shape output = l.inputs[0].shape;
  const std::vector<JsonValue> &times = l.attrs.at("times").items;
  if (times.size() != output.size())
    throw LayerError("times", fmt::format("'{}' has shape {}; 'times' needs one number for each axis", l.inputs[0].name,
                                          to_string(output)));
  for (size_t axis = 0; axis < output.size(); ++axis)
    output[axis] *= times[axis].integer;
  return output;
}

/// The elements from an axis on are repeated for every position before it.
Var build(const LayerBuild &b) {
  Var x = b.inputs[0];
  const std::vector<JsonValue> &times = b.attrs.at("times").items;
  for (size_t axis = 0; axis < times.size(); ++axis) {
    if (times[axis].integer == 1)
      continue;
    Shape shape = x.shape();
    const int64_t outer = element_count(Shape(shape.begin(), shape.begin() + static_cast<int64_t>(axis) + 1));
    const int64_t inner = x.type().elements() / outer;
    shape[axis + 1] *= times[axis].integer;
    const Type repeated{x.dtype(), {outer, times[axis].integer, inner}};
    x = reshape(apply("broadcast", {reshape(x, {outer, 1, inner})}, {}, repeated), shape);
  }
  return x;
}

} // namespace

extern const LayerDef layer_tile;
const LayerDef layer_tile = {
    {"tile",
     "The input repeated along its axes.",
     {attr::list("times", attr::integer("", "").at_least(1).at_most(kMaxDim), "how often; a number for each axis of an example")
          .items(0, kMaxRank - 1)}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
