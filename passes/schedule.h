// The order of the kernels.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Reorders the kernels of a fused graph so that activations die early: the given order, or a list schedule that always
/// takes the ready kernel with the smallest growth of live bytes, whichever has the lower peak. Respects data and the
/// in-place overwriting of state. Leaves the kernels themselves alone, and graphs without kernels.
bool schedule(Graph &);

} // namespace gradc
