// Random one-op graphs and inputs for them: what property tests and the fuzzer run over every op of the
// table.
#pragma once

#include "ir/interpreter.h"
#include "ir/op.h"

#include <random>

namespace gradc::tests {

using Rng = std::mt19937_64;
/// From `low` to `high`, both included; the same on every platform.
int64_t between(Rng &, int64_t low, int64_t high);

/// Whether sample_op_graph knows how to make valid operands: elementwise ops need no entry, others one in
/// op_samples.cpp.
bool has_sampler(const OpDef &);
struct SampleOptions {
  DType real = DType::f64;
  std::vector<int64_t> extents = {1, 2, 3, 4}; // dims are drawn from these
  int64_t max_elements = int64_t{1} << 40;     // about: of a drawn shape, and of the points of a contraction
};
/// A graph with inputs x0, x1, ... and, last, one node of `op`, which it returns as "y". Shapes, attributes,
/// and dtypes where there is a choice, are random; floats are mostly `real`. std::logic_error when there is
/// no sampler.
Graph sample_op_graph(const OpDef &, Rng &, const SampleOptions & = {});

/// A value for every declaration. All float elements are at least 0.02 apart from each other and 0.01 from
/// any integer, so that steps below 0.005 cross no kink; they are positive where the graph has an op with a
/// pole or a bound at 0. Integers are small and some are negative, to meet bounds.
Bindings sample_inputs(const Graph &, Rng &);

} // namespace gradc::tests
