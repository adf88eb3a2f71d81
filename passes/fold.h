// Constant folding.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Replaces nodes whose operands are all constants by the constant they evaluate to. The value is that of the ops' own
/// definition, so it is exact: NaN, infinities and -0 come out as they would at run time. Folds only where the
/// result is a splat or small, so no graph grows a large table; leaves sources without operands (iota) alone. Returns
/// whether a node was folded.
bool fold(Graph &);

} // namespace gradc
