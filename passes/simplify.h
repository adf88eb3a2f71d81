// Algebra on the graph.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Applies the identities listed in simplify.cpp until none applies. Each holds for every float, including -0, NaN and
/// the infinities (which is why x + 0, x - x and x * 0 are not among them), up to the payload of a NaN. Stops gradients
/// no more: differentiate first. Leaves orphaned nodes to dce. Returns whether one applied.
bool simplify(Graph &);

} // namespace gradc
