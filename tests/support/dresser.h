// Operands that identities look for, around random inputs: constants of notable numbers, negations, casts, movements,
// reductions, the same value twice; and inputs at the edges of their dtypes.
#pragma once

#include "ir/interpreter.h"
#include "tests/support/op_samples.h"

namespace gradc::tests {

enum class Edges : uint8_t {
  all,           // -0, 0, NaN, infinities, denormals, +-1000, the largest, random numbers
  exact_in_sums, // few and small numbers, or not finite ones: any order of adding or multiplying a few gives the same bits
};

class Dresser {
public:
  Dresser(Rng &rng, DType real, Edges edges) : rng_(rng), real_(real), edges_(edges) {}

  /// Any value of this type.
  Value value(const Type &type, int depth = 0);
  Graph finish() { return std::move(graph_); }

private:
  int64_t draw(int64_t low, int64_t high) { return between(rng_, low, high); }
  bool coin() { return draw(0, 1) == 1; }
  Value input(const Type &);
  Value constant(const Type &);
  Value unary(const Type &, int depth);
  Value cast(const Type &, int depth);
  Value reshaped(const Type &, int depth);
  Value broadcast(const Type &, int depth);
  Value transposed(const Type &, int depth);
  Value reduced(const Type &, int depth);
  Value contracted(const Type &, int depth);

  Rng &rng_;
  const DType real_;
  const Edges edges_;
  Graph graph_;
};

/// A value for every declaration.
Bindings edge_bindings(const Graph &, Edges, Rng &);

} // namespace gradc::tests
