// Common subexpressions: equal nodes become one.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Makes every use of a node read the first node with the same op, operands, attributes, type and kernel. Every op is a
/// function of these (random ops too: their operands name the seed, step and stream), so the values are equal bit for
/// bit. Leaves the nodes that lose their last use to dce. Returns whether a use changed.
bool cse(Graph &);

} // namespace gradc
