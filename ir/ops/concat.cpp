// Puts tensors one after the other along one dim.
#include "ir/axes.h"
#include "ir/lowering/lower.h"
#include "ir/op.h"

namespace gradc {

static size_t joined_dim(const Attrs &attrs) { return static_cast<size_t>(int_attr(attrs, "dim")); }

static Type infer(const Signature &s) {
  Type result = s.inputs[0];
  check_axis("dim", int_attr(s.attrs, "dim"), result.rank());
  size_t dim = joined_dim(s.attrs);
  result.shape[dim] = 0;
  for (const Type &x : s.inputs) {
    Type rest = x;
    if (x.rank() == result.rank())
      rest.shape[dim] = result.shape[dim];
    if (rest != result)
      throw Error("operands must be alike except in dim " + std::to_string(dim) + ", got " +
                  to_string(s.inputs[0]) + " and " + to_string(x));
    result.shape[dim] += x.shape[dim];
  }
  return result;
}

static Gradients gradient(const Adjoint &g) {
  size_t dim = joined_dim(g.attrs);
  std::vector<int64_t> limits = g.dy.shape(), starts(limits.size(), 0);
  Gradients adjoints;
  for (Var x : g.inputs) {
    limits[dim] = starts[dim] + x.shape()[dim];
    adjoints.push_back(apply("slice", {g.dy}, {{"starts", starts}, {"limits", limits}}));
    starts[dim] = limits[dim];
  }
  return adjoints;
}

/// From the last operand to the first: select(at < end of operand, operand, what follows).
static ExprId lower(NodeLowering &l, const Index &at) {
  size_t dim = joined_dim(l.node.attrs);
  int64_t total = l.node.type.shape[dim], end = total;
  DType dtype = l.node.type.dtype;
  ExprId result = l.literal(0, dtype);
  for (int n = static_cast<int>(l.node.inputs.size()); n-- > 0;) {
    int64_t extent = l.operand_type(n).shape[dim], start = end - extent;
    if (extent == 0)
      continue;
    if (extent == total)
      return l.operand(n, at);
    Index index = at;
    index[dim] = at[dim] + -start;
    ExprId element = l.operand_padded(n, index, 0);
    if (end < total) {
      ExprId before = l.apply(ScalarOp::lt, {l.index_value(at[dim]), l.integer(end)}, DType::boolean);
      element = l.apply(ScalarOp::select, {before, element, result}, dtype);
    }
    result = element;
    end = start;
  }
  return result;
}

static void evaluate(const Node &node, std::span<const Tensor *const> in, Tensor &result) {
  size_t dim = joined_dim(node.attrs);
  int64_t start = 0;
  for (const Tensor *x : in) {
    int64_t from = 0;
    for_each_index(x->type.shape, [&](std::vector<int64_t> index) {
      index[dim] += start;
      copy_element(*x, from++, result, flat_index(result.type.shape, index));
    });
    start += x->type.shape[dim];
  }
}

extern const OpDef op_concat;
const OpDef op_concat{
    .name = "concat",
    .doc = "the operands one after the other along `dim`",
    .arity = -1,
    .kind = OpKind::movement,
    .attrs = {{"dim", AttrKind::integer, "the dim along which the operands follow each other"}},
    .infer = infer,
    .gradient = gradient,
    .lower = lower,
    .evaluate = evaluate,
};

} // namespace gradc
