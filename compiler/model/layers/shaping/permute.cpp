// permute: the axes of an example in another order.
#include "compiler/model/layers/layer.h"

#include <fmt/format.h>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  const std::vector<JsonValue> &order = l.attrs.at("axes").items;
  if (require_axes(input, "axes", order).size() != input.shape.size())
    throw LayerError("axes", fmt::format("'{}' has shape {}; 'axes' needs each of its axes once", input.name, to_string(input.shape)));
  Shape output;
  for (const JsonValue &axis : order)
    output.push_back(input.shape[static_cast<size_t>(axis_of(axis.integer, input.shape.size()))]);
  return output;
}

Var build(const LayerBuild &b) {
  std::vector<int64_t> order = {0};
  for (const JsonValue &axis : b.attrs.at("axes").items)
    order.push_back(axis_of(axis.integer, b.output.size()) + 1);
  return apply("transpose", {b.inputs[0]}, {{"perm", order}});
}

} // namespace

extern const LayerDef layer_permute;
const LayerDef layer_permute = {
    {"permute",
     "The axes of an example in another order, as torch.permute without the batch.",
     {attr::list("axes", attr::integer("", ""),
                 "for each axis of the output, that of the input, counted from 0; negative counts from the end")
          .items(1, kMaxRank - 1)}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
