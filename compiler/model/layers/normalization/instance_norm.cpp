// instance_norm: each channel of each example with mean 0 and variance 1. Ulyanov, Vedaldi and Lempitsky 2016; as
// torch.nn.InstanceNorm.
#include "compiler/model/layers/normalization/grouped.h"

#include <fmt/format.h>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  if (positions(input) == 1)
    throw LayerError("", fmt::format("'{}' has shape {}: each channel has one value, which has no variance", input.name,
                                     to_string(input.shape)));
  declare_affine(l, {features(input)});
  return input.shape;
}

Var build(const LayerBuild &b) { return normalized_in_groups(b, b.output.back()); }

} // namespace

extern const LayerDef layer_instance_norm;
const LayerDef layer_instance_norm = {
    {"instance_norm",
     "(x - mean) / sqrt(variance + epsilon) * scale + offset with the mean and the variance of each channel of an example; channels are "
     "the last axis.",
     with_epsilon({}, affine_keys(false))},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
