// What a graph must satisfy before its nodes become kernels.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Gives every returned or updated value a node that writes only it, and keeps states readable until they are overwritten:
/// by copies, where the graph does not do so already.
void legalize_outputs(Graph &);

} // namespace gradc
