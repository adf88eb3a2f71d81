// Looking up ops by name and attributes by name and kind.
#include "ir/op.h"

#include <algorithm>

namespace gradc {

static std::vector<Var> operands(const Scope &scope, const std::vector<Value> &values) {
  std::vector<Var> result;
  for (Value v : values)
    result.push_back({&scope, v});
  return result;
}

Adjoint::Adjoint(Graph &graph, Value result, Value adjoint)
    : scope_{graph, graph[result].location}, output{&scope_, result}, dy{&scope_, adjoint},
      inputs(operands(scope_, graph[result].inputs)), attrs(graph[result].attrs) {}

const OpDef *find_op(std::string_view name) {
  auto ops = all_ops();
  auto it = std::find_if(ops.begin(), ops.end(), [&](const OpDef *op) { return op->name == name; });
  return it == ops.end() ? nullptr : *it;
}

/// Attributes were checked against the op's schema when the node was made, so a miss here is our fault.
[[noreturn]] static void missing(std::string_view name) {
  throw InternalFault("attribute '" + std::string(name) + "' is absent or of another kind");
}

/// Null where the attribute is absent or of another kind.
template <typename T> static const T *find_attr(const Attrs &attrs, std::string_view name) {
  auto it = attrs.find(name);
  return it == attrs.end() ? nullptr : std::get_if<T>(&it->second);
}

template <typename T> static const T &attr(const Attrs &attrs, std::string_view name) {
  if (const T *value = find_attr<T>(attrs, name))
    return *value;
  missing(name);
}

int64_t int_attr(const Attrs &attrs, std::string_view name) { return attr<int64_t>(attrs, name); }
bool bool_attr(const Attrs &attrs, std::string_view name) { return attr<bool>(attrs, name); }
const std::string &string_attr(const Attrs &attrs, std::string_view name) { return attr<std::string>(attrs, name); }
const std::vector<int64_t> &ints_attr(const Attrs &attrs, std::string_view name) {
  return attr<std::vector<int64_t>>(attrs, name);
}

Number number_attr(const Attrs &attrs, std::string_view name) {
  if (const int64_t *integer = find_attr<int64_t>(attrs, name))
    return *integer;
  return attr<double>(attrs, name);
}

std::vector<Number> numbers_attr(const Attrs &attrs, std::string_view name) {
  if (const auto *integers = find_attr<std::vector<int64_t>>(attrs, name))
    return {integers->begin(), integers->end()};
  const auto &doubles = attr<std::vector<double>>(attrs, name);
  return {doubles.begin(), doubles.end()};
}

} // namespace gradc
