// group_norm: each group of channels of an example with mean 0 and variance 1. Wu and He 2018; as torch.nn.GroupNorm.
#include "compiler/model/layers/normalization/grouped.h"

#include <fmt/format.h>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  const int64_t channels = features(input), groups = l.attrs.integer_at("groups");
  if (channels % groups != 0)
    throw LayerError("groups", fmt::format("the {} channels of '{}', shape {}, do not make {} groups of one size", channels,
                                           input.name, to_string(input.shape), groups));
  if (positions(input) * channels == groups)
    throw LayerError("groups", fmt::format("{} groups of '{}', shape {}, have one value each, which has no variance", groups, input.name,
                                           to_string(input.shape)));
  declare_affine(l, {channels});
  return input.shape;
}

Var build(const LayerBuild &b) { return normalized_in_groups(b, b.attrs.integer_at("groups")); }

} // namespace

extern const LayerDef layer_group_norm;
const LayerDef layer_group_norm = {
    {"group_norm",
     "(x - mean) / sqrt(variance + epsilon) * scale + offset with the mean and the variance of each group of neighbouring channels of an "
     "example; channels are the last axis, and each has its scale and offset.",
     with_epsilon({attr::integer("groups", "how many").at_least(1).at_most(kMaxDim)}, affine_keys(true))},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
