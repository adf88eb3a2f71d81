// Building and rewriting graphs. Every node that is added is checked against its op's schema and typed.
#include "ir/graph.h"

#include "ir/error.h"
#include "ir/op.h"
#include "ir/suggest.h"

#include <algorithm>

namespace gradc {

extern const OpDef op_constant, op_reshape;

bool may_have_domain(Role role, const Type &type) {
  return is_float(type.dtype) && (role == Role::input || role == Role::scalar || role == Role::buffer);
}

Space space_of(const Node &declaration) {
  return declaration.buffer ? space_of(*declaration.buffer) : info(declaration.role).space;
}
bool is_constant(const Node &node) { return node.op == &op_constant; }
bool is_reshape(const Node &node) { return node.op == &op_reshape; }
bool is_view(const Graph &graph, Value v) { return is_reshape(graph[v]) && graph[v].kernel == kNoKernel; }
Value storage_root(const Graph &graph, Value v) {
  while (is_view(graph, v))
    v = graph[v].inputs[0];
  return v;
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_name_character(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; }

static bool is_declaration_name(std::string_view name) {
  return !name.empty() && is_letter(name[0]) && std::all_of(name.begin(), name.end(), is_name_character);
}

// Nodes are also added, and dropped, without this being told.
bool Graph::is_declared(const std::string &declared_name) {
  if (noted_ > nodes.size()) {
    declared_.clear();
    noted_ = 0;
  }
  for (; noted_ < nodes.size(); ++noted_)
    if (nodes[noted_].is_declaration())
      declared_.try_emplace(nodes[noted_].name, static_cast<Value>(noted_));
  const auto known = declared_.find(declared_name);
  return known != declared_.end() && nodes[known->second].name == declared_name;
}

Value Graph::declare(Role role, std::string declared_name, Type type, std::string location) {
  internal_check(role != Role::none, "declare: a declaration needs a role");
  if (!is_declaration_name(declared_name))
    throw Error("'" + declared_name +
                    "' is not a name: expected a letter or '_', then letters, digits, '_', '.' or '-'",
                location);
  if (is_declared(declared_name))
    throw Error("'" + declared_name + "' is declared twice", location);
  try {
    check_shape(type.shape);
  } catch (const Error &e) {
    throw Error("'" + declared_name + "': " + e.what(), location);
  }
  if (role == Role::scalar && type.rank() != 0)
    throw Error("scalar '" + declared_name + "' must have rank 0, got " + to_string(type), location);
  Node node;
  node.role = role;
  node.type = std::move(type);
  node.name = std::move(declared_name);
  node.location = std::move(location);
  nodes.push_back(std::move(node));
  return static_cast<Value>(nodes.size() - 1);
}

Value Graph::declare_buffer(BufferKind kind, std::string declared_name, Type type, std::string location) {
  const Value v = declare(Role::buffer, std::move(declared_name), std::move(type), std::move(location));
  nodes[v].buffer = kind;
  return v;
}

static std::string_view describe(AttrKind kind) {
  constexpr std::string_view names[] = {"an integer", "a number",           "true or false",
                                        "a string",   "a list of integers", "a list of numbers"};
  return names[static_cast<size_t>(kind)];
}

template <typename To, typename From> static AttrValue converted_list(const std::vector<From> &list, DType dtype) {
  std::vector<To> result;
  for (From x : list)
    result.push_back(std::get<To>(number_of(dtype, x)));
  return result;
}

/// Numbers as `dtype` has them; an empty list is a list of either.
static AttrValue converted(AttrValue value, AttrKind kind, DType dtype) {
  if (auto *list = std::get_if<std::vector<double>>(&value); list && list->empty() && kind == AttrKind::integers)
    return std::vector<int64_t>();
  return std::visit(
      [&]<typename T>(const T &x) -> AttrValue {
        if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, double>) {
          if (kind == AttrKind::number)
            return attr_value(number_of(dtype, x));
        } else if constexpr (std::is_same_v<T, std::vector<int64_t>> || std::is_same_v<T, std::vector<double>>) {
          if (kind == AttrKind::numbers)
            return is_float(dtype) ? converted_list<double>(x, dtype) : converted_list<int64_t>(x, dtype);
        }
        return x;
      },
      value);
}

static bool is_of(const AttrValue &value, AttrKind kind, DType dtype) {
  if (!is_float(dtype) && (kind == AttrKind::number || kind == AttrKind::numbers))
    kind = kind == AttrKind::number ? AttrKind::integer : AttrKind::integers;
  return value.index() == static_cast<size_t>(kind);
}

static std::string unknown_attribute(const OpDef &op, std::string_view name) {
  std::vector<std::string_view> known;
  for (const AttrSpec &spec : op.attrs)
    known.push_back(spec.name);
  return "unknown attribute '" + std::string(name) + "'" + did_you_mean(name, known);
}

/// `dtype` is that of the attributes that are numbers.
static Attrs complete(const OpDef &op, const Attrs &given, DType dtype) {
  for (const auto &[name, value] : given)
    if (std::none_of(op.attrs.begin(), op.attrs.end(), [&](const AttrSpec &spec) { return spec.name == name; }))
      throw Error(unknown_attribute(op, name));
  Attrs result;
  for (const AttrSpec &spec : op.attrs) {
    auto it = given.find(spec.name);
    if (it == given.end() && spec.optional)
      continue;
    if (it == given.end() && !spec.default_value)
      throw Error("missing attribute '" + std::string(spec.name) + "' (" + std::string(spec.doc) + ")");
    AttrValue value = converted(it == given.end() ? *spec.default_value : it->second, spec.kind, dtype);
    if (!is_of(value, spec.kind, dtype))
      throw Error("attribute '" + std::string(spec.name) + "' must be " + std::string(describe(spec.kind)) +
                  ", got " + std::string(describe(static_cast<AttrKind>(value.index()))));
    result.emplace(spec.name, std::move(value));
  }
  return result;
}

static void check_arity(const OpDef &op, const std::vector<Type> &inputs) {
  auto count = std::to_string(inputs.size());
  if (op.arity >= 0 && inputs.size() != static_cast<size_t>(op.arity))
    throw Error("expected " + std::to_string(op.arity) + (op.arity == 1 ? " operand" : " operands") + ", got " + count);
  if (op.arity >= 0)
    return;
  if (inputs.empty())
    throw Error("expected at least one operand");
  for (const Type &type : inputs)
    if (type.dtype != inputs[0].dtype)
      throw Error("operands must have one dtype, got " + to_string(inputs[0]) + " and " + to_string(type));
}

static Type infer_type(const OpDef &op, std::vector<Type> inputs, const Attrs &attrs,
                       const std::optional<Type> &declared) {
  if (op.type_rule == TypeRule::written && !declared)
    throw Error("the result type must be given");
  if (declared)
    check_shape(declared->shape);
  const bool asks = op.type_rule != TypeRule::derived && declared;
  Type type = op.infer(Signature{std::move(inputs), attrs, asks ? &*declared : nullptr});
  check_shape(type.shape);
  if (declared && *declared != type)
    throw Error("the result is " + to_string(type) + ", not " + to_string(*declared));
  return type;
}

Value Graph::add(std::string_view op_name, std::vector<Value> inputs, Attrs attrs, std::string location,
                 std::optional<Type> declared) {
  if (const OpDef *op = find_op(op_name))
    return add(*op, std::move(inputs), std::move(attrs), std::move(location), std::move(declared));
  std::vector<std::string_view> known;
  for (const OpDef *op : all_ops())
    known.push_back(op->name);
  throw Error("unknown op '" + std::string(op_name) + "'" + did_you_mean(op_name, known), location);
}

Value Graph::add(const OpDef &op, std::vector<Value> inputs, Attrs attrs, std::string location,
                 std::optional<Type> declared) {
  std::vector<Type> types;
  for (Value v : inputs) {
    internal_check(v < nodes.size(), "add: the operand does not exist");
    types.push_back(nodes[v].type);
  }
  Node node;
  try {
    check_arity(op, types);
    node.attrs = complete(op, attrs, declared ? declared->dtype : types.empty() ? DType::f64 : types[0].dtype);
    node.type = infer_type(op, std::move(types), node.attrs, declared);
  } catch (const Error &e) {
    throw Error(std::string(op.name) + ": " + e.what(), location);
  }
  node.op = &op;
  node.inputs = std::move(inputs);
  node.location = std::move(location);
  nodes.push_back(std::move(node));
  return static_cast<Value>(nodes.size() - 1);
}

Value Graph::constant(Number value, Type type, std::string location) {
  return add("constant", {}, {{"value", attr_value(value)}}, std::move(location), std::move(type));
}

std::optional<Value> Graph::find(std::string_view declaration) const {
  for (size_t v = 0; v < nodes.size(); ++v)
    if (nodes[v].is_declaration() && nodes[v].name == declaration)
      return static_cast<Value>(v);
  return std::nullopt;
}

int Graph::kernel_count() const {
  int last = kNoKernel;
  for (const Node &node : nodes)
    last = std::max(last, node.kernel);
  return last + 1;
}

std::vector<std::vector<Value>> Graph::users() const {
  std::vector<std::vector<Value>> result(nodes.size());
  for (size_t user = 0; user < nodes.size(); ++user)
    for (Value v : nodes[user].inputs)
      if (result[v].empty() || result[v].back() != user)
        result[v].push_back(static_cast<Value>(user));
  return result;
}

std::vector<bool> Graph::forward() const {
  std::vector<bool> forward(size(), false);
  for (const Return &r : returns)
    forward[r.value] = true;
  for (Value v = static_cast<Value>(size()); v-- > 0;)
    if (forward[v])
      for (Value input : nodes[v].inputs)
        forward[input] = true;
  return forward;
}

std::vector<bool> Graph::live_out() const {
  std::vector<bool> result(nodes.size(), false);
  for (const Return &r : returns)
    result[r.value] = true;
  for (const Update &u : updates)
    result[u.value] = true;
  return result;
}

Rewriter::Rewriter(const Graph &from) : from_(from), image_(from.size(), -1) { to_.name = from.name; }

bool Rewriter::has(Value old) const { return image_.at(old) >= 0; }

Value Rewriter::map(Value old) const {
  internal_check(has(old), "rewrite: a value is used that has no image in the new graph");
  return static_cast<Value>(image_[old]);
}

void Rewriter::replace(Value old, Value with) {
  internal_check(with < to_.size(), "rewrite: the replacement does not exist");
  image_.at(old) = with;
}

Value Rewriter::copy(Value old) {
  Node node = from_[old];
  for (Value &v : node.inputs)
    v = map(v);
  to_.nodes.push_back(std::move(node));
  Value result = static_cast<Value>(to_.size() - 1);
  replace(old, result);
  return result;
}

Graph Rewriter::finish() {
  for (const Return &r : from_.returns)
    to_.returns.push_back({r.name, map(r.value)});
  for (const Update &u : from_.updates)
    to_.updates.push_back({map(u.target), map(u.value)});
  const auto has_image = [&](const GradientOf &g) { return has(g.param) && has(g.value); };
  if (std::all_of(from_.gradients.begin(), from_.gradients.end(), has_image))
    for (const GradientOf &g : from_.gradients)
      to_.gradients.push_back({map(g.param), map(g.value)});
  return std::move(to_);
}

} // namespace gradc
