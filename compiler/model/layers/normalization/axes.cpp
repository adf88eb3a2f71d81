#include "compiler/model/layers/normalization/axes.h"

namespace gradc {

Attr axes_key() {
  return attr::one_or_list("axes", attr::integer("", ""), "of an example; negative counts from the end").items(1).defaults_to("[-1]");
}

Shape normalized_shape(LayerShapes &l) {
  Shape shape;
  for (const size_t axis : require_axes(l.inputs[0], "axes", l.attrs.at("axes").items))
    shape.push_back(l.inputs[0].shape[axis]);
  return shape;
}

std::vector<int64_t> normalized_axes(const LayerBuild &b) { return axes_with_batch(b.attrs.at("axes").items, b.output.size()); }

Shape beside_example(const LayerBuild &b) {
  Shape shape(b.output.size(), 1);
  for (const int64_t axis : normalized_axes(b)) {
    const auto of_example = static_cast<size_t>(axis - 1);
    shape[of_example] = b.output[of_example];
  }
  return shape;
}

} // namespace gradc
