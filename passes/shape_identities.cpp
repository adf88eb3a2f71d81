// Identities about where elements are, and about reductions over them. Moving elements is exact; sums may be taken in
// another order, and the sign of a sum of zeros is not specified.
#include "ir/einsum.h"
#include "passes/match.h"

#include <algorithm>
#include <numeric>

namespace gradc {
namespace {

using Result = std::optional<Value>;
using Dims = std::vector<int64_t>;

Dims all_dims(size_t rank) {
  Dims dims(rank);
  std::iota(dims.begin(), dims.end(), 0);
  return dims;
}

Result identity_movement(const Match &m) {
  return m.type(0) == m.node.type ? Result(m.in(0)) : std::nullopt;
}

/// Every element of the result is one of the operand's.
Result movement_of_splat(const Match &m) {
  const auto number = m.splat(0);
  return number ? Result(m.constant(*number, m.node.type)) : std::nullopt;
}

Result reshape_of_reshape(const Match &m) {
  return m.made_by(0, "reshape") ? Result(m.reshape(m.below(0))) : std::nullopt;
}

Result broadcast_of_broadcast(const Match &m) {
  return m.made_by(0, "broadcast") ? Result(m.broadcast(m.below(0))) : std::nullopt;
}

/// A transpose that moves only dims of extent 1 changes the shape, not the order of elements.
Result transpose_as_reshape(const Match &m) {
  Dims moved = ints_attr(m.node.attrs, "perm");
  std::erase_if(moved, [&](int64_t d) { return m.type(0).shape[static_cast<size_t>(d)] == 1; });
  return std::is_sorted(moved.begin(), moved.end()) ? Result(m.reshape(m.in(0))) : std::nullopt;
}

/// Dim d of the result is dim inner[outer[d]] of the operand's operand.
Result transpose_of_transpose(const Match &m) {
  if (!m.made_by(0, "transpose"))
    return std::nullopt;
  const Dims inner = ints_attr(m.maker(0).attrs, "perm");
  Dims perm = ints_attr(m.node.attrs, "perm");
  for (int64_t &d : perm)
    d = inner[static_cast<size_t>(d)];
  return m.build("transpose", {m.below(0)}, Attrs{{"perm", perm}});
}

/// Whether reading `v` by broadcasting in place of its operand makes no difference: it is a broadcast, or a reshape that
/// only adds leading dims of extent 1.
bool is_implied_by_broadcasting(const Graph &graph, Value v) {
  const Node &node = graph[v];
  if (node.is_declaration() || node.op->name == "broadcast")
    return !node.is_declaration();
  if (!is_reshape(node))
    return false;
  const Shape &from = graph.type(node.inputs[0]).shape, &to = node.type.shape;
  return to.size() > from.size() && std::equal(from.rbegin(), from.rend(), to.rbegin());
}

/// f(broadcast(x), y) = f(x, y), and a splat operand may as well have rank 0, where the other operands see to the shape.
Result implicit_broadcast(const Match &m) {
  if (m.node.op->kind != OpKind::elementwise || m.node.type.rank() == 0)
    return std::nullopt;
  std::vector<Value> inputs = m.node.inputs;
  for (Value &input : inputs) {
    const bool splat = splat_value(m.graph[input]) && m.graph.type(input).rank() > 0;
    if (!splat && !is_implied_by_broadcasting(m.graph, input))
      continue;
    std::optional<Shape> shape = splat ? Shape{} : m.graph.type(m.graph[input].inputs[0]).shape;
    for (const Value &other : inputs)
      if (&other != &input && shape)
        shape = broadcast_shapes(*shape, m.graph.type(other).shape);
    if (shape != m.node.type.shape)
      continue;
    input = splat ? m.constant(*splat_value(m.graph[input]), Type{m.graph.type(input).dtype, {}})
                  : m.graph[input].inputs[0];
    return m.graph.add(*m.node.op, inputs, m.node.attrs, m.node.location,
                       m.node.op->type_rule != TypeRule::derived ? std::optional(m.node.type) : std::nullopt);
  }
  return std::nullopt;
}

/// A reduction over no elements but one.
Result trivial_reduction(const Match &m) {
  const Dims &axes = ints_attr(m.node.attrs, "axes");
  const auto is_one = [&](int64_t d) { return m.type(0).shape[static_cast<size_t>(d)] == 1; };
  return std::all_of(axes.begin(), axes.end(), is_one) ? Result(m.reshape(m.in(0))) : std::nullopt;
}

/// sum over A of sum over B = sum over A and B; likewise for max.
Result nested_reduction(const Match &m) {
  if (!m.made_by(0, m.node.op->name) || m.shared(0))
    return std::nullopt;
  const bool inner_keeps = bool_attr(m.maker(0).attrs, "keep"), keeps = bool_attr(m.node.attrs, "keep");
  Dims axes = ints_attr(m.maker(0).attrs, "axes");
  Dims left = all_dims(m.graph.type(m.below(0)).rank()); // dims of the innermost operand, by dim of the operand
  if (!inner_keeps)
    std::erase_if(left, [&](int64_t d) { return std::find(axes.begin(), axes.end(), d) != axes.end(); });
  for (int64_t d : ints_attr(m.node.attrs, "axes"))
    axes.push_back(left[static_cast<size_t>(d)]);
  std::sort(axes.begin(), axes.end());
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  return m.reshape(m.build(m.node.op->name, {m.below(0)}, Attrs{{"axes", axes}, {"keep", inner_keeps && keeps}}));
}

/// The sum over axes of extents whose product is n of a splat c is n c.
Result sum_of_splat(const Match &m) {
  const auto number = m.splat(0);
  if (!number || m.node.type.elements() == 0)
    return std::nullopt;
  const int64_t n = m.type(0).elements() / m.node.type.elements();
  const DType dtype = m.node.type.dtype;
  if (const double *c = std::get_if<double>(&*number))
    return m.constant(*c * static_cast<double>(n), m.node.type);
  const int64_t args[] = {std::get<int64_t>(*number), n};
  return m.constant(evaluate_scalar(ScalarOp::mul, dtype, dtype, args), m.node.type); // wraps, as the sum does
}

/// "bi,io->bo" of transpose(x) is "ib,io->bo" of x: dim d of the operand is dim perm[d] of x.
template <size_t N> Result contract_of_transpose(const Match &m) {
  if (!m.made_by(N, "transpose"))
    return std::nullopt;
  Einsum e = parse_einsum(string_attr(m.node.attrs, "indices"));
  Subscripts &subscripts = N == 0 ? e.a : e.b;
  const Subscripts from = subscripts;
  const Dims &perm = ints_attr(m.maker(N).attrs, "perm");
  for (size_t d = 0; d < perm.size(); ++d)
    subscripts[static_cast<size_t>(perm[d])] = from[d];
  std::vector<Value> inputs = m.node.inputs;
  inputs[N] = m.below(N);
  return m.graph.add("contract", inputs, Attrs{{"indices", e.text()}}, m.node.location, m.node.type);
}

/// The transpose of "bi,io->bo" is "bi,io->ob".
Result transpose_of_contract(const Match &m) {
  if (!m.made_by(0, "contract") || m.shared(0))
    return std::nullopt;
  Einsum e = parse_einsum(string_attr(m.maker(0).attrs, "indices"));
  const std::string from = e.out;
  const Dims &perm = ints_attr(m.node.attrs, "perm");
  for (size_t d = 0; d < perm.size(); ++d)
    e.out[d] = from[static_cast<size_t>(perm[d])];
  const std::vector<Value> inputs = m.maker(0).inputs;
  return m.graph.add("contract", inputs, Attrs{{"indices", e.text()}}, m.node.location, m.node.type);
}

Result concat_of_one(const Match &m) { return m.node.inputs.size() == 1 ? Result(m.in(0)) : std::nullopt; }

const Identity kIdentities[] = {
    {"reshape", "a reshape to the same shape", identity_movement},
    {"reshape", "a reshape of a reshape", reshape_of_reshape},
    {"reshape", "a reshape of a splat", movement_of_splat},
    {"broadcast", "a broadcast to the same shape", identity_movement},
    {"broadcast", "a broadcast of a broadcast", broadcast_of_broadcast},
    {"broadcast", "a broadcast of a splat", movement_of_splat},
    {"slice", "a slice as large as its operand: all of it", identity_movement},
    {"slice", "a slice of a splat", movement_of_splat},
    {"pad", "a pad by nothing", identity_movement},
    {"concat", "a concat of one", concat_of_one},
    {"transpose", "a transpose of a splat", movement_of_splat},
    {"transpose", "a transpose of a transpose", transpose_of_transpose},
    {"transpose", "a transpose of a contract", transpose_of_contract},
    {"transpose", "a transpose that moves dims of extent 1", transpose_as_reshape},
    {"contract", "a contract of a transpose, as first operand", contract_of_transpose<0>, Exactness::sums},
    {"contract", "a contract of a transpose, as second operand", contract_of_transpose<1>},
    {"sum", "a sum over one element", trivial_reduction, Exactness::sums},
    {"sum", "a sum of a sum", nested_reduction, Exactness::sums},
    {"sum", "a sum of a splat", sum_of_splat, Exactness::sums},
    {"max", "a max over one element", trivial_reduction},
    {"max", "a max of a max", nested_reduction},
    {"max", "a max of a splat", movement_of_splat},
    {"", "f(broadcast(x), y) = f(x, y)", implicit_broadcast},
};

} // namespace

std::span<const Identity> shape_identities() { return kIdentities; }

} // namespace gradc
