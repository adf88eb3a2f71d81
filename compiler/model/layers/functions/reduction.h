// What layers that reduce axes share: their keys and their shape rule.
#pragma once

#include "compiler/model/layers/layer.h"

namespace gradc {

/// "axes" and "keep".
std::vector<Attr> reduction_keys();
Shape reduction_shapes(LayerShapes &);
/// The sum of the only input over the axes.
Var reduction_sum(const LayerBuild &);

} // namespace gradc
