// How far a graph has come through the pipeline, for those who can do nothing with one that has not come far enough.
#pragma once

#include "ir/graph.h"

namespace gradc {

enum class Milestone : uint8_t {
  none,
  fused,   // every computed value belongs to a kernel, which `fuse` sees to
  planned, // and every value in memory has a place, which `plan` sees to
};

/// Throws Error, which names the pass that is missing, unless the graph has come so far. `who` is the subject of the message:
/// "the pass 'plan'".
void require(const Graph &, Milestone, const std::string &who);

} // namespace gradc
