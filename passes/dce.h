// Dead code: nodes nobody will see.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Drops every node from which no return and no update can be reached. Keeps unused declarations: they are the
/// signature of the entry point. Gradient notes are no use; when simplification left one of them on a dead node, all of
/// them go, as they speak of every trained param or of none. Returns whether a node was dropped.
bool dce(Graph &);

} // namespace gradc
