// Algebra on the graph.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Applies the identities of arithmetic_identities.cpp and shape_identities.cpp until none applies. Each holds for every
/// float, including -0, NaN and the infinities (which is why x + 0, x - x and x * 0 are not among them), as exactly as its
/// entry says (Exactness in match.h). Stops gradients
/// no more: differentiate first. Leaves orphaned nodes to dce. Returns whether one applied.
bool simplify(Graph &);

} // namespace gradc
