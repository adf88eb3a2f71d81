// What every well-formed graph satisfies, at every stage. ir/README.md lists the rules.
#pragma once

#include "ir/graph.h"

#include <stdexcept>

namespace gradc {

/// A graph that breaks its rules; what() is all problems, one a line.
struct VerifyError : std::runtime_error {
  explicit VerifyError(std::vector<std::string> problems);
  std::vector<std::string> problems;
};

/// Throws VerifyError unless the graph is well formed: operands come first, types and attributes are what the ops say,
/// declarations, updates and gradient notes fit each other; kernels, if any, are numbered in order; and the plan, if any,
/// gives every value that is needed its own bytes for as long as it is needed.
void verify(const Graph &);
/// The problems, none for a well-formed graph.
std::vector<std::string> problems_of(const Graph &);

} // namespace gradc
