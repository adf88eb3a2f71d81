// A place in memory for every value that needs one.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Fills in graph.plan for a fused graph: states at fixed offsets of their arenas, returned values in the caller's
/// outputs, updated values in place of the old state, everything else in the workspace at offsets that never overlap
/// while both live. A kernel's result takes over the bytes of an operand that dies in it where the kernel allows it
/// (reads_only_where_it_writes): of one as large, or of a larger one where keeping those bytes raises no peak. The plan
/// records the arena beside its lower bound: the largest sum of bytes in use in one kernel after taking over.
bool plan(Graph &);

} // namespace gradc
