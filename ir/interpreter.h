// The reference interpreter: runs a graph node by node through the ops' own definitions. Slow, simple, and
// what every other engine is compared with. Works at every stage; kernels and plan are ignored.
#pragma once

#include "ir/graph.h"
#include "ir/tensor.h"

#include <span>

namespace gradc {

/// Values of declarations, by name.
using Bindings = std::map<std::string, Tensor, std::less<>>;

enum class Precision : uint8_t {
  declared, // every result is rounded to its dtype
  wide, // f32 is computed and kept in double, unrounded (tensors still say f32); random bits are those of f32
};

/// One result from the values of a node's operands.
Tensor evaluate_node(const Node &, std::span<const Tensor *const> inputs, Precision = Precision::declared);

/// The values of all nodes, in order. Nothing is updated. Throws Error when a declaration has no value in
/// `bindings` or one of another type.
std::vector<Tensor> interpret_all(const Graph &, const Bindings &bindings, Precision = Precision::declared);

/// The values of graph.returns, in order. At the end the updates replace their targets in `bindings`; all of
/// them see the old state.
std::vector<Tensor> interpret(const Graph &, Bindings &bindings, Precision = Precision::declared);

} // namespace gradc
