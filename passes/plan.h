// A place in memory for every value that needs one.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Fills in graph.plan for a fused graph: states at fixed offsets of their arenas, returned values in the caller's outputs,
/// updated values in place of the old state, everything else in the workspace at offsets that never overlap while both
/// live. A kernel's result takes over the bytes of an operand that dies in it where every read is at the index of the
/// write. Offsets are the best of several orders and fits; the plan records the arena beside its lower bound.
bool plan(Graph &);

} // namespace gradc
