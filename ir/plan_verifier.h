// The part of the verifier that knows memory.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// What is wrong with graph.plan, for a graph that is well formed otherwise.
std::vector<std::string> plan_problems(const Graph &);

} // namespace gradc
