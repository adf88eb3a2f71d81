#include "compiler/model/layers/functions/global_pool.h"

#include <fmt/format.h>
#include <numeric>

namespace gradc {

std::vector<Attr> global_pool_keys() {
  return {attr::boolean("keep", "whether the other axes stay, with extent 1").defaults_to("false").decides_shape()};
}

Shape global_pool_shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  if (input.shape.size() < 2)
    throw LayerError("", fmt::format("needs axes before the channels, the last axis, but '{}' has shape {}", input.name,
                                     to_string(input.shape)));
  Shape output(l.attrs.boolean_at("keep") ? input.shape.size() - 1 : 0, 1);
  output.push_back(input.shape.back());
  return output;
}

Var pooled(const LayerBuild &b, std::string_view op) {
  const Var x = b.inputs[0];
  std::vector<int64_t> axes(x.shape().size() - 2);
  std::iota(axes.begin(), axes.end(), 1);
  return apply(op, {x}, {{"axes", axes}, {"keep", b.attrs.boolean_at("keep")}});
}

} // namespace gradc
