// A graph as a picture.
#pragma once

#include "compiler/reports/places.h"
#include "ir/graph.h"

namespace gradc {

/// Graphviz DOT: a box a node, with the layer it comes from, its op and its type; kernels as clusters.
std::string to_dot(const Graph &, const PlaceNames & = no_names);

} // namespace gradc
