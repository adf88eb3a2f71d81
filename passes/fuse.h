// Partitions the nodes into kernels.
#pragma once

#include "ir/graph.h"
#include "passes/pass_options.h"

namespace gradc {

/// Gives every node that computes a kernel number, so that neighbouring work shares loops and intermediate values stay in
/// registers. A region is legal when its lowerings compose (ir/lowering/lower.h) and no order of kernels is made impossible.
/// Cheap scalars and index sources are cloned into each kernel that uses them. Constants stay outside; a reshape outside a
/// kernel is a view, inside one a copy. Afterwards every returned or updated value is written by a node of its own.
/// Leaves alone: the ops themselves, and graphs that have kernels already.
bool fuse(Graph &, const PassOptions & = {});

/// Two kernels of a fused graph, of which one reads what the other writes.
struct Apart {
  int producer, consumer; // kernels
  Value value;
  std::string reason; // not to be one
};
/// Every such pair, once, in the order of the graph.
std::vector<Apart> kernels_apart(const Graph &fused, const PassOptions & = {});

} // namespace gradc
