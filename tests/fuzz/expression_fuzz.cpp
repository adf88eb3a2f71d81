// Any text as an expression: a mistake inside the text, or a graph that is well formed and has gradients. The first byte
// chooses the shapes of what the names stand for.
#include "compiler/model/expressions/expression.h"
#include "ir/verifier.h"
#include "passes/differentiate.h"

#include <cstdint>

using namespace gradc;

static void check_expression(std::string_view text, size_t first) {
  const Type types[] = {{DType::f32, {}}, {DType::f32, {3}}, {DType::f32, {3, 3}}, {DType::f32, {3, 1}}, {DType::i32, {3}}};
  const Expression expression = parse_expression(text);
  std::vector<Type> examples;
  for (size_t i = 0; i < expression.names.size(); ++i)
    examples.push_back(types[(first + i) % std::size(types)]);
  const Shape shape = shape_of(expression, examples);

  Graph graph;
  StandIns stand_ins;
  const Scope scope{graph, "", &stand_ins};
  std::vector<Var> values;
  std::vector<Value> floats;
  for (Type type : examples) {
    type.shape.insert(type.shape.begin(), 2);
    const Role role = is_float(type.dtype) ? Role::param : Role::input;
    values.push_back({&scope, graph.declare(role, "x" + std::to_string(values.size()), type)});
    if (is_float(type.dtype))
      floats.push_back(values.back().value);
  }
  const Var result = expand(expression, values, DType::f32);
  if (of_example(result) != shape || result.shape()[0] != 2)
    __builtin_trap();
  const Value total = mean(result).value;
  differentiate(graph, total, floats);
  graph.returns.push_back({"total", total});
  drop_stand_ins(graph, stand_ins);
  verify(graph);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  const std::string_view text(reinterpret_cast<const char *>(data + 1), size - 1);
  try {
    check_expression(text, data[0]);
  } catch (const ExpressionError &e) {
    if (e.begin > e.end || e.end > text.size())
      __builtin_trap();
  }
  return 0;
}
