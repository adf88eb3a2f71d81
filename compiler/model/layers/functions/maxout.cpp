// maxout: the largest of each group of neighbours. Goodfellow et al. 2013: a dense layer of units * k, then this.
#include "compiler/model/layers/layer.h"

#include <fmt/format.h>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  const int64_t units = l.attrs.integer_at("units");
  if (input.shape.empty() || input.shape.back() % units != 0)
    throw LayerError("units", fmt::format("the last axis of '{}', shape {}, does not make {} groups of one size",
                                          input.name, to_string(input.shape), units));
  Shape output = input.shape;
  output.back() = units;
  return output;
}

/// Elements that tie share the gradient evenly, as in torch.amax.
Var build(const LayerBuild &b) {
  const int64_t count = b.inputs[0].type().elements(), units = b.output.back(), of_group = b.inputs[0].shape().back() / units;
  return reshape(max_last_keep(reshape(b.inputs[0], {count / of_group, of_group})), b.batched(b.output));
}

} // namespace

extern const LayerDef layer_maxout;
const LayerDef layer_maxout = {
    {"maxout",
     "The largest element of each group of neighbours along the last axis.",
     {attr::integer("units", "how many groups; the last axis of the output").at_least(1).at_most(kMaxDim)}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
