#include "compiler/model/layers/normalization/grouped.h"

#include "compiler/model/layers/normalization/moments.h"

namespace gradc {

/// Sums over positions are taken of each channel, and of these over the channels of a group; so what passes over the data knows channels
/// alone, which lie side by side.
Var normalized_in_groups(const LayerBuild &b, int64_t groups) {
  const int64_t channels = b.output.back(), of_group = channels / groups;
  const Var input = b.inputs[0], x = reshape(input, {b.batch, input.type().elements() / (b.batch * channels), channels});
  const auto of_groups = [&](Var y) { return mean(reshape(mean(y, {1}, false), {b.batch, groups, of_group}), {2}, true); };
  const auto of_channels = [&](Var y) {
    return reshape(apply("broadcast", {y}, {}, Type{y.dtype(), {b.batch, groups, of_group}}), {b.batch, 1, channels});
  };
  const Var c = stop_gradient(of_groups(x)), centered = x - of_channels(c);
  const Var rest = of_groups(centered), mean_square = of_groups(square(centered));
  const Moments m = moments_from(c, centered, rest, mean_square);
  const Var factor = scaled(b, of_channels(one_over_deviation(m, b.attrs.number_at("epsilon"))), {channels});
  const Var offset = shifted(b, -(of_channels(m.rest) * factor), {channels});
  return reshape(m.centered * factor + offset, input.shape());
}

} // namespace gradc
