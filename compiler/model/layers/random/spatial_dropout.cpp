// spatial_dropout: dropout of whole channels, whose neighbouring values say the same. Tompson et al. 2015; as torch.nn.Dropout1d,
// Dropout2d and Dropout3d with the channels last.
#include "compiler/model/layers/random/drop.h"

#include <fmt/format.h>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  if (const LayerInput &input = l.inputs[0]; input.shape.size() < 2)
    throw LayerError("", fmt::format("drops whole channels, the last axis, but '{}' has shape {}: its channels have one value; use dropout",
                                     input.name, to_string(input.shape)));
  return drop_shapes(l);
}

Var build(const LayerBuild &b) {
  const Var x = b.inputs[0];
  if (!b.training)
    return x;
  Shape of_channels(x.shape().size(), 1);
  of_channels.front() = b.batch;
  of_channels.back() = x.shape().back();
  return zeroed_at_random(b, x, b.hyper("rate"), {x.dtype(), of_channels});
}

} // namespace

extern const LayerDef layer_spatial_dropout;
const LayerDef layer_spatial_dropout = {
    {"spatial_dropout",
     "Zeroes whole channels, positions of the last axis, of an example at random in training and scales the others by 1 / (1 - rate).",
     {drop_rate("probability of a zero; the run-time argument <layer>.rate")}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
