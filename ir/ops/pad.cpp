// Surrounds a tensor with a value, and may also put it between neighbouring elements (interior).
#include "ir/axes.h"
#include "ir/lowering/lower.h"
#include "ir/op.h"

namespace gradc {

namespace {

struct Padding {
  const std::vector<int64_t> &low, &high;
  std::vector<int64_t> interior;
  Number value;

  Padding(const Attrs &attrs, size_t rank)
      : low(ints_attr(attrs, "low")), high(ints_attr(attrs, "high")), interior(ints_attr(attrs, "interior")),
        value(number_attr(attrs, "value")) {
    if (interior.empty())
      interior.assign(rank, 0);
  }
  /// Extent of `dim` with its interior padding, if the operand's extent is n.
  int64_t span(size_t dim, int64_t n) const { return n == 0 ? 0 : (n - 1) * (interior[dim] + 1) + 1; }
};

} // namespace

static Type infer(const Signature &s) {
  const Type &x = s.inputs[0];
  Padding p(s.attrs, x.rank());
  check_one_per_dim("low", p.low, x.rank());
  check_one_per_dim("high", p.high, x.rank());
  check_one_per_dim("interior", p.interior, x.rank());
  for (auto [name, list] : {std::pair("low", &p.low), {"high", &p.high}, {"interior", &p.interior}})
    check_at_least(name, *list, 0);
  Type result{x.dtype, {}};
  for (size_t d = 0; d < x.rank(); ++d)
    result.shape.push_back(p.low[d] + p.span(d, x.shape[d]) + p.high[d]);
  return result;
}

static Gradients gradient(const Adjoint &g) {
  const Shape shape = g.input(0).shape();
  Padding p(g.attrs, shape.size());
  std::vector<int64_t> limits, strides;
  for (size_t d = 0; d < shape.size(); ++d) {
    limits.push_back(p.low[d] + p.span(d, shape[d]));
    strides.push_back(p.interior[d] + 1);
  }
  return {apply("slice", {g.dy}, {{"starts", p.low}, {"limits", limits}, {"strides", strides}})};
}

static ExprId lower(NodeLowering &l, const Index &at) {
  const Shape &shape = l.operand_type(0).shape;
  DType dtype = l.node.type.dtype;
  Padding p(l.node.attrs, shape.size());
  if (element_count(shape) == 0)
    return l.literal(p.value, dtype);
  if (l.node.type.shape == shape)
    return l.operand(0, at);
  Index index;
  ExprId hit = -1; // whether `at` is on an element rather than between two
  for (size_t d = 0; d < shape.size(); ++d) {
    index.push_back(at[d] + -p.low[d]);
    if (p.interior[d] == 0 || shape[d] == 1)
      continue;
    ExprId position = l.index_value(index[d]), step = l.integer(p.interior[d] + 1);
    index[d] = IndexExpr::computed(l.apply(ScalarOp::floordiv, {position, step}, DType::i64));
    ExprId between = l.apply(ScalarOp::floormod, {position, step}, DType::i64);
    ExprId here = l.apply(ScalarOp::eq, {between, l.integer(0)}, DType::boolean);
    hit = hit < 0 ? here : l.apply(ScalarOp::logical_and, {hit, here}, DType::boolean);
  }
  ExprId element = l.operand_padded(0, index, p.value);
  return hit < 0 ? element : l.apply(ScalarOp::select, {hit, element, l.literal(p.value, dtype)}, dtype);
}

static void evaluate(const Node &node, std::span<const Tensor *const> in, Tensor &result) {
  Padding p(node.attrs, result.type.rank());
  for (int64_t i = 0; i < result.type.elements(); ++i)
    result.set_exact(i, p.value);
  int64_t from = 0;
  for_each_index(in[0]->type.shape, [&](std::vector<int64_t> index) {
    for (size_t d = 0; d < index.size(); ++d)
      index[d] = p.low[d] + index[d] * (p.interior[d] + 1);
    copy_element(*in[0], from++, result, flat_index(result.type.shape, index));
  });
}

extern const OpDef op_pad;
const OpDef op_pad{
    .name = "pad",
    .doc = "x with `value` around it and between its elements",
    .arity = 1,
    .kind = OpKind::movement,
    .attrs = {{"low", AttrKind::integers, "elements added before, in every dim"},
              {"high", AttrKind::integers, "elements added after, in every dim"},
              {"interior", AttrKind::integers, "elements added between neighbours; empty for none",
               std::vector<int64_t>()},
              {"value", AttrKind::number, "what is added", 0.0}},
    .infer = infer,
    .gradient = gradient,
    .lower = lower,
    .evaluate = evaluate,
};

} // namespace gradc
