// A graph as a picture.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Graphviz DOT: a box a node, kernels as clusters.
std::string to_dot(const Graph &);

} // namespace gradc
