// Random training graphs: what the passes and engines are compared on.
#pragma once

#include "ir/graph.h"

namespace gradc::tests {

struct RandomGraphOptions {
  int steps = 10;            // growth steps of the forward part; each adds one op or a small pattern
  int64_t max_elements = 300; // of any forward value
  bool train = true;         // differentiate with respect to the params and update them
  std::optional<DType> dtype = {}; // of the floats; else the seed decides
};

/// A valid graph that is a function of `seed` alone: elementwise ops of the table with broadcasting, reductions,
/// contractions, convolutions, pooling, movements, gathers, rows of softmax and normalization, then a scalar loss, its gradients and an SGD
/// (with or without momentum) update, and several returns. Dims are 1, 2, 3, 4 or 17. Values stay small: what grows passes
/// through tanh or sigmoid. Operands of logarithms, roots and divisions are at least 1/2.
Graph random_graph(uint64_t seed, const RandomGraphOptions &options = {});

} // namespace gradc::tests
