#include "compiler/model/layers/functions/reduction.h"

#include <numeric>

namespace gradc {

std::vector<Attr> reduction_keys() {
  return {attr::one_or_list("axes", attr::integer("", ""), "of an example; negative counts from the end")
              .items(1)
              .otherwise("all axes of an example"),
          attr::boolean("keep", "whether those axes stay, with extent 1").defaults_to("false").decides_shape()};
}

Shape reduction_shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  const JsonValue *axes = l.attrs.find("axes");
  std::vector<bool> reduced(input.shape.size(), !axes);
  if (axes)
    for (const size_t axis : require_axes(input, "axes", axes->items))
      reduced[axis] = true;
  Shape output;
  for (size_t axis = 0; axis < input.shape.size(); ++axis)
    if (!reduced[axis] || l.attrs.boolean_at("keep"))
      output.push_back(reduced[axis] ? 1 : input.shape[axis]);
  return output;
}

Var reduction_sum(const LayerBuild &b) {
  const Var x = b.inputs[0];
  const size_t rank = x.shape().size() - 1; // of an example
  std::vector<int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 1);
  if (const JsonValue *written = b.attrs.find("axes"))
    axes = axes_with_batch(written->items, rank);
  return sum(x, axes, b.attrs.boolean_at("keep"));
}

} // namespace gradc
