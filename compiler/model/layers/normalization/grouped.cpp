#include "compiler/model/layers/normalization/grouped.h"

#include "compiler/model/layers/normalization/moments.h"

namespace gradc {

/// As [batch, positions, groups, channels of a group]. Factor and offset are those of a channel of an example.
Var normalized_in_groups(const LayerBuild &b, int64_t groups) {
  const Var x = b.inputs[0];
  const int64_t channels = b.output.back(), of_group = channels / groups;
  const Shape as = {groups, of_group};
  const Var split = reshape(x, {b.batch, x.type().elements() / (b.batch * channels), groups, of_group});
  const Moments m = moments(split, {1, 3}, true);
  const Var factor = scaled(b, one_over_deviation(m, b.attrs.number_at("epsilon")), as);
  const Var offset = shifted(b, -(m.rest * factor), as);
  return reshape(m.centered * factor + offset, x.shape());
}

} // namespace gradc
