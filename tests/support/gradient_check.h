// Compares the gradients that differentiate() makes with finite differences of the reference interpreter.
#pragma once

#include "tests/support/op_samples.h"

namespace gradc::tests {

/// The sum of `y`, weighted by a new input called `weights_<n>`, whose random values are added to `inputs`: a
/// scalar that every element of `y` influences in its own way.
Value weighted_sum(Graph &, Value y, Bindings &inputs, Rng &);

/// What the graph returns, computed in double precision.
std::vector<Tensor> evaluate_returns(const Graph &, const Bindings &inputs);

struct GradientCheck {
  /// The largest |symbolic - numeric| over all elements, relative to the largest |gradient| of the same input
  /// (at least 1e-3, below which the rounding of the loss shows). Infinite when any of them is not a number.
  double error = 0;
  std::string worst; // where, for messages
};

/// d loss / d w for every declaration w of `wrt`, all of them f64, at `inputs`. `loss` has rank 0. The
/// numeric side is the central seven-point formula for the first derivative (Fornberg 1988, table 1) with
/// step 1e-3: exact up to h^6, and rounding contributes about 1e-13 of the loss.
GradientCheck check_gradients(const Graph &, Value loss, const std::vector<Value> &wrt,
                              const Bindings &inputs);

} // namespace gradc::tests
