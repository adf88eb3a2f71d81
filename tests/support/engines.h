// Everything that can run a graph. Text tests that say `evaluate` go through all of them.
#pragma once

#include "ir/interpreter.h"

#include <span>

namespace gradc {

struct Engine {
  std::string_view name;
  /// The values of graph.returns, in order; updates the state in `bindings`.
  std::vector<Tensor> (*run)(const Graph &graph, Bindings &bindings);
  double tolerance_f32, tolerance_f64; // relative, against the expectation
};

/// The reference interpreter first.
std::span<const Engine> engines();

} // namespace gradc
