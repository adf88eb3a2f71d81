// The passes between a differentiated graph and its kernels, as one ordered list.
#pragma once

#include "ir/graph.h"
#include "passes/milestones.h"
#include "passes/pass_options.h"

#include <span>

namespace gradc {

struct Pass {
  std::string_view name;
  std::string_view doc; // one line
  bool (*run)(Graph &, const PassOptions &); // returns whether it changed the graph
  Milestone needs = Milestone::none;          // of the graph it is given
};

/// In the order they run.
std::span<const Pass> pipeline();
/// Null when there is none of that name.
const Pass *find_pass(std::string_view name);

} // namespace gradc
