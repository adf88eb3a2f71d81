// The reference interpreter: see ir/interpreter.h.
#include "ir/interpreter.h"

#include "ir/op.h"

namespace gradc {

Tensor evaluate_node(const Node &node, std::span<const Tensor *const> inputs, Precision precision) {
  // Tensor::set rounds to the tensor's dtype, so results that must not be rounded are made as f64 and
  // relabelled.
  bool widened = precision == Precision::wide && node.type.dtype == DType::f32;
  Tensor result(Type{widened ? DType::f64 : node.type.dtype, node.type.shape});
  node.op->evaluate(node, inputs, result);
  result.type.dtype = node.type.dtype;
  return result;
}

static const Tensor &bound(const Node &declaration, const Bindings &bindings) {
  std::string what = std::string(to_string(declaration.role)) + " '" + declaration.name + "'";
  auto it = bindings.find(declaration.name);
  if (it == bindings.end())
    throw Error("no value for " + what + ": expected " + to_string(declaration.type), declaration.location);
  if (it->second.type != declaration.type)
    throw Error("the value for " + what + " must be " + to_string(declaration.type) + ", got " +
                    to_string(it->second.type),
                declaration.location);
  return it->second;
}

std::vector<Tensor> interpret_all(const Graph &graph, const Bindings &bindings, Precision precision) {
  std::vector<Tensor> values;
  values.reserve(graph.size()); // nodes point to their operands' values, which must not move
  for (const Node &node : graph.nodes) {
    if (node.is_declaration()) {
      values.push_back(bound(node, bindings));
      continue;
    }
    std::vector<const Tensor *> inputs;
    for (Value v : node.inputs) {
      internal_check(v < values.size(), "interpreter: a node reads a value that comes later");
      inputs.push_back(&values[v]);
    }
    values.push_back(evaluate_node(node, inputs, precision));
  }
  return values;
}

std::vector<Tensor> interpret(const Graph &graph, Bindings &bindings, Precision precision) {
  std::vector<Tensor> values = interpret_all(graph, bindings, precision);
  std::vector<Tensor> results;
  for (const Return &r : graph.returns)
    results.push_back(values[r.value]);
  for (const Update &u : graph.updates)
    bindings.insert_or_assign(graph[u.target].name, values[u.value]);
  return results;
}

} // namespace gradc
