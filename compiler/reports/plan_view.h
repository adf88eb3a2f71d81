// The memory plan as a picture: kernels along one axis, bytes of the arena along the other.
#pragma once

#include "compiler/reports/places.h"
#include "ir/graph.h"

namespace gradc {

/// The arena over time as comment lines (`// ...`) of at most 110 columns where names allow it: a letter for each value in
/// the workspace, then what the letters stand for, which layers they come from and how many kernels pass over them, and which forward values are retained for the backward kernels (see
/// Graph::forward). Kernels take `thread_bytes` of the workspace besides, for each thread. The graph must be planned.
std::string plan_text(const Graph &, int64_t thread_bytes, const PlaceNames & = no_names);

/// The same as a self-contained SVG: time to the right, bytes upwards, a rectangle with a title for each value, and lines
/// at the arena and its lower bound.
std::string plan_svg(const Graph &, const PlaceNames & = no_names);

} // namespace gradc
