#include "compiler/checks/choices.h"

#include "ir/op.h"

#include <bit>

namespace gradc {
namespace {

using Values = std::vector<Tensor>;
/// What a node decides for each element, as small numbers.
using Choices = std::vector<int64_t>;

int64_t order(double a, double b) { return (a > b) - (a < b); }

/// Which operand is larger, or neither.
Choices sides(const Node &node, const Values &values) {
  const Tensor &a = values[node.inputs[0]], &b = values[node.inputs[1]];
  Choices choices;
  for_each_index(node.type.shape, [&](const std::vector<int64_t> &at) {
    choices.push_back(order(a.number(flat_index(a.type.shape, at)), b.number(flat_index(b.type.shape, at))));
  });
  return choices;
}

Choices signs(const Node &node, const Values &values) {
  Choices choices;
  for (double x : values[node.inputs[0]].floats)
    choices.push_back(order(x, 0));
  return choices;
}

Choices bits(const Tensor &result) {
  Choices choices;
  for (double x : result.floats)
    choices.push_back(std::bit_cast<int64_t>(x));
  return choices;
}

/// Whether each element of the operand is a largest one.
Choices largest(const Node &node, const Values &values, const Tensor &result) {
  const Tensor &x = values[node.inputs[0]];
  Shape kept = x.type.shape; // that of the result, had its axes stayed
  for (int64_t axis : ints_attr(node.attrs, "axes"))
    kept[static_cast<size_t>(axis)] = 1;
  Choices choices;
  for_each_index(x.type.shape, [&](const std::vector<int64_t> &at) {
    choices.push_back(x.number(flat_index(x.type.shape, at)) == result.number(flat_index(kept, at)));
  });
  return choices;
}

Choices choices_of(const Node &node, const Values &values, const Tensor &result) {
  if (node.is_declaration())
    return {};
  if (!is_float(node.type.dtype))
    return result.integers;
  const std::string_view op = node.op->name;
  if (op == "floor" || op == "sign")
    return bits(result);
  if (op == "abs")
    return signs(node, values);
  if (op == "maximum" || op == "minimum")
    return sides(node, values);
  if (op == "max")
    return largest(node, values, result);
  return {};
}

} // namespace

std::optional<Value> first_other_choice(const Graph &graph, const Values &a, const Values &b) {
  for (Value v = 0; v < graph.size(); ++v)
    if (choices_of(graph[v], a, a[v]) != choices_of(graph[v], b, b[v]))
      return v;
  return std::nullopt;
}

} // namespace gradc
