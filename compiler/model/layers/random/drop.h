// What dropout and its kin have in common.
#pragma once

#include "compiler/model/layers/layer.h"

namespace gradc {

/// The key "rate", a probability from 0 and below 1.
Attr drop_rate(std::string_view doc);
/// The shape of the only input; declares the run-time argument "rate".
Shape drop_shapes(LayerShapes &);

/// x in which each element is 0 with the probability `rate` (rank 0) and the others are scaled by 1 / (1 - rate), so that the mean
/// stays. One number is drawn for each element of `drawn`, which broadcasts against x.
Var zeroed_at_random(const LayerBuild &, Var x, Var rate, const Type &drawn);

/// Uniform numbers in [0, 1) of the layer's own stream.
Var uniform_of_layer(const LayerBuild &, const Type &);

} // namespace gradc
