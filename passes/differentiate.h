// Reverse-mode differentiation over the primitives. The result is ordinary graph, so it can be differentiated again.
#pragma once

#include "ir/error.h"
#include "ir/graph.h"

namespace gradc {

/// Ops on the way from the parameters to the loss that have no gradient rule: all of them, each with its place.
struct NotDifferentiable : Error {
  struct Place {
    std::string op, location;
  };
  explicit NotDifferentiable(std::vector<Place>);
  std::vector<Place> places;
};

/// The core of reverse mode, a vector-Jacobian product: appends the nodes that compute, for every w of `wrt`, the sum over the
/// outputs of adjoint * d output / d w, and returns those values, in order; each has the type of its w, zeros where no output
/// depends on it. Outputs and wrt are any values of the graph, so that a part of it can be differentiated by itself: what
/// lies between them. An adjoint has the type of its output, which may come several times. Throws NotDifferentiable, and
/// then leaves the graph as it was.
std::vector<Value> pull_back(Graph &graph, const std::vector<Value> &outputs, const std::vector<Value> &adjoints,
                             const std::vector<Value> &wrt);

/// Appends to `graph` the nodes that compute d loss / d w for every w of `wrt`, and returns those values, in order; each
/// has the type of its w (zeros where the loss does not depend on it). `loss` is a float of rank 0. Sums over broadcast
/// axes here, so no gradient rule does. Throws NotDifferentiable. Does not touch graph.gradients.
std::vector<Value> differentiate(Graph &graph, Value loss, const std::vector<Value> &wrt);

} // namespace gradc
