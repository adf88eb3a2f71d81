// Partitions the nodes into kernels.
#pragma once

#include "ir/graph.h"

#include <functional>

namespace gradc {

/// Told about every pair of neighbouring kernels that stay apart, and why.
using FusionListener = std::function<void(Value producer, Value consumer, const std::string &reason)>;

/// Gives every node that computes a kernel number, so that neighbouring work shares loops and intermediate values stay in
/// registers. A region is legal when its lowerings compose (ir/lower.h) and no order of kernels is made impossible.
/// Cheap scalars and index sources are cloned into each kernel that uses them. Constants stay outside; a reshape outside a
/// kernel is a view, inside one a copy. Afterwards every returned or updated value is written by a node of its own.
/// Leaves alone: the ops themselves, and graphs that have kernels already.
bool fuse(Graph &);
bool fuse(Graph &, const FusionListener &);

} // namespace gradc
