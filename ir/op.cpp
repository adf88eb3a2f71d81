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
template <typename T> static const T &attr(const Attrs &attrs, std::string_view name) {
  auto it = attrs.find(name);
  const T *value = it == attrs.end() ? nullptr : std::get_if<T>(&it->second);
  if (!value)
    throw InternalFault("attribute '" + std::string(name) + "' is absent or of another kind");
  return *value;
}

int64_t int_attr(const Attrs &attrs, std::string_view name) { return attr<int64_t>(attrs, name); }
double number_attr(const Attrs &attrs, std::string_view name) { return attr<double>(attrs, name); }
bool bool_attr(const Attrs &attrs, std::string_view name) { return attr<bool>(attrs, name); }
const std::string &string_attr(const Attrs &attrs, std::string_view name) {
  return attr<std::string>(attrs, name);
}
const std::vector<int64_t> &ints_attr(const Attrs &attrs, std::string_view name) {
  return attr<std::vector<int64_t>>(attrs, name);
}
const std::vector<double> &numbers_attr(const Attrs &attrs, std::string_view name) {
  return attr<std::vector<double>>(attrs, name);
}

} // namespace gradc
