// Evaluates through the ops' own definitions. Elementwise ops on splats are evaluated on one element, whatever their
// shape; other ops element by element, where operands and result are small enough.
#include "passes/fold.h"

#include "ir/interpreter.h"
#include "ir/op.h"
#include "passes/match.h"
#include "passes/node_rewriting.h"

#include <algorithm>
#include <bit>

namespace gradc {
namespace {

constexpr int64_t kMaxResult = 64;         // elements of a constant that is not a splat
constexpr int64_t kMaxOperands = 1 << 16; // elements read at compile time


Tensor evaluate(const Graph &graph, const Node &node, bool as_scalars) {
  const auto reshaped = [&](Node n) {
    if (as_scalars)
      n.type.shape.clear();
    return n;
  };
  std::vector<Tensor> operands;
  for (Value input : node.inputs)
    operands.push_back(evaluate_node(reshaped(graph[input]), {}));
  std::vector<const Tensor *> pointers;
  for (const Tensor &operand : operands)
    pointers.push_back(&operand);
  return evaluate_node(reshaped(node), pointers);
}

/// Elements are bits here: 0 and -0 differ, and a NaN is equal to itself.
template <typename T> Attrs constant_attrs(const std::vector<T> &elements) {
  const auto is_first = [&](T x) { return std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(elements[0]); };
  if (!elements.empty() && std::all_of(elements.begin(), elements.end(), is_first))
    return Attrs{{"value", elements[0]}};
  return Attrs{{"values", elements}};
}

/// The attributes of the constant op that makes `tensor`.
Attrs constant_attrs(const Tensor &tensor) {
  return is_float(tensor.type.dtype) ? constant_attrs(tensor.floats) : constant_attrs(tensor.integers);
}

std::optional<Attrs> folded(const Graph &graph, const Node &node) {
  if (node.is_declaration() || node.inputs.empty() || node.kernel != kNoKernel)
    return std::nullopt;
  bool splats = true;
  int64_t elements = 0;
  for (Value input : node.inputs) {
    if (!is_constant(graph[input]))
      return std::nullopt;
    splats &= splat_value(graph[input]).has_value();
    elements += graph.type(input).elements();
  }
  const bool as_scalars = splats && node.op->kind == OpKind::elementwise;
  if (!as_scalars && (node.type.elements() > kMaxResult || elements > kMaxOperands))
    return std::nullopt;
  return constant_attrs(evaluate(graph, node, as_scalars));
}

} // namespace

bool fold(Graph &graph) {
  return rewrite_nodes(graph, [](Graph &to, const Node &node) -> std::optional<Value> {
    if (std::optional<Attrs> attrs = folded(to, node))
      return to.add("constant", {}, std::move(*attrs), node.location, node.type);
    return std::nullopt;
  });
}

} // namespace gradc
