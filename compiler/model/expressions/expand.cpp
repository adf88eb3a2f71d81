// From the tree of an expression to nodes of a graph. Shapes are checked by doing the same in a graph of its own, so that
// there is one set of rules.
#include "compiler/model/expressions/expression.h"

#include <fmt/format.h>

namespace gradc {
namespace {

/// Gives the operands axes of extent 1 behind the batch, so that examples broadcast as NumPy has it. Throws Error.
void align(std::vector<Var> &operands) {
  Shape all;
  for (const Var &x : operands) {
    const std::optional<Shape> both = broadcast_shapes(all, of_example(x));
    if (!both)
      throw Error(fmt::format("the shapes {} and {} do not broadcast", to_string(all), to_string(of_example(x))));
    all = *both;
  }
  for (Var &x : operands) {
    Shape shape = x.shape();
    if (shape.empty())
      continue;
    shape.insert(shape.begin() + 1, all.size() + 1 - shape.size(), 1);
    x = reshape(x, std::move(shape));
  }
}

Var call(const Expression::Node &node, std::vector<Var> operands, DType dtype) {
  const ExpressionFunction &function = *node.function;
  for (size_t i = 0; i < operands.size(); ++i) {
    const bool condition = operands[i].dtype() == DType::boolean;
    if (i < function.conditions && !condition)
      throw Error(fmt::format("operand {} is a condition, such as x > 0, but a number was given", i + 1));
    if (i >= function.conditions)
      operands[i] = cast(operands[i], dtype);
    if (const Shape shape = of_example(operands[i]); shape.size() < function.least_axes)
      throw Error(fmt::format("operand {} has shape {}, but needs at least {} {}", i + 1, to_string(shape), function.least_axes,
                              function.least_axes == 1 ? "axis" : "axes"));
  }
  if (function.elementwise)
    align(operands);
  return function.build({function, node.keys, std::move(operands)});
}

Var leaf(const Expression::Node &node, const std::vector<Var> &values, DType dtype) {
  if (node.name)
    return cast(values[*node.name], dtype);
  return constant(*values[0].scope, node.number, {dtype, {}});
}

} // namespace

Var expand(const Expression &expression, const std::vector<Var> &values, DType dtype) {
  std::vector<Var> made;
  for (const Expression::Node &node : expression.nodes) {
    std::vector<Var> operands;
    for (size_t operand : node.operands)
      operands.push_back(made[operand]);
    try {
      made.push_back(node.function ? call(node, std::move(operands), dtype) : leaf(node, values, dtype));
    } catch (const Error &problem) {
      const std::string name = node.function ? fmt::format("{}: ", node.function->spec.name) : "";
      throw ExpressionError(name + problem.what(), node.begin, node.end);
    }
  }
  return cast(made.back(), dtype);
}

Shape shape_of(const Expression &expression, const std::vector<Type> &values) {
  Graph graph;
  StandIns stand_ins;
  const Scope scope{graph, "", &stand_ins};
  std::vector<Var> operands;
  for (Type type : values) {
    type.shape.insert(type.shape.begin(), 1); // a batch
    operands.push_back({&scope, graph.declare(Role::input, fmt::format("x{}", operands.size()), std::move(type))});
  }
  return of_example(expand(expression, operands, DType::f32));
}

} // namespace gradc
