// A strided box of a tensor.
#include "ir/axes.h"
#include "ir/lowering/lower.h"
#include "ir/op.h"

namespace gradc {

namespace {

/// In every dim the result has the elements start, start + stride, ... below limit.
struct Box {
  const std::vector<int64_t> &starts, &limits;
  std::vector<int64_t> strides;

  Box(const Attrs &attrs, size_t rank)
      : starts(ints_attr(attrs, "starts")), limits(ints_attr(attrs, "limits")),
        strides(ints_attr(attrs, "strides")) {
    if (strides.empty())
      strides.assign(rank, 1);
  }
};

} // namespace

static Type infer(const Signature &s) {
  const Type &x = s.inputs[0];
  Box box(s.attrs, x.rank());
  check_one_per_dim("starts", box.starts, x.rank());
  check_one_per_dim("limits", box.limits, x.rank());
  check_one_per_dim("strides", box.strides, x.rank());
  check_at_least("strides", box.strides, 1);
  Type result{x.dtype, {}};
  for (size_t d = 0; d < x.rank(); ++d) {
    int64_t start = box.starts[d], limit = box.limits[d], stride = box.strides[d];
    if (start < 0 || start > limit || limit > x.shape[d])
      throw Error("dim " + std::to_string(d) +
                  ": expected 0 <= start <= limit <= " + std::to_string(x.shape[d]) + ", got start " +
                  std::to_string(start) + " and limit " + std::to_string(limit));
    result.shape.push_back((limit - start + stride - 1) / stride);
  }
  return result;
}

/// Puts dy back where it came from, zeros elsewhere.
static Gradients gradient(const Adjoint &g) {
  const Type x = g.input(0).type();
  const Shape shape = g.dy.shape();
  Box box(g.attrs, x.rank());
  std::vector<int64_t> high, interior;
  for (size_t d = 0; d < x.rank(); ++d) {
    int64_t span = shape[d] == 0 ? 0 : (shape[d] - 1) * box.strides[d] + 1;
    high.push_back(x.shape[d] - box.starts[d] - span);
    interior.push_back(box.strides[d] - 1);
  }
  return {apply("pad", {g.dy}, {{"low", box.starts}, {"high", high}, {"interior", interior}})};
}

static ExprId lower(NodeLowering &l, const Index &at) {
  Box box(l.node.attrs, at.size());
  Index index;
  for (size_t d = 0; d < at.size(); ++d)
    index.push_back(at[d] * box.strides[d] + box.starts[d]);
  return l.operand(0, index);
}

static void evaluate(const Node &node, std::span<const Tensor *const> in, Tensor &result) {
  const Shape &shape = in[0]->type.shape;
  Box box(node.attrs, shape.size());
  int64_t to = 0;
  for_each_index(result.type.shape, [&](std::vector<int64_t> index) {
    for (size_t d = 0; d < index.size(); ++d)
      index[d] = box.starts[d] + index[d] * box.strides[d];
    copy_element(*in[0], flat_index(shape, index), result, to++);
  });
}

extern const OpDef op_slice;
const OpDef op_slice{
    .name = "slice",
    .doc = "in every dim d the elements starts[d], starts[d] + strides[d], ... below limits[d] of x",
    .arity = 1,
    .kind = OpKind::movement,
    .attrs = {{"starts", AttrKind::integers, "first index of every dim"},
              {"limits", AttrKind::integers, "in every dim, the index to stop before"},
              {"strides", AttrKind::integers, "steps, positive; empty for all 1", std::vector<int64_t>()}},
    .infer = infer,
    .gradient = gradient,
    .lower = lower,
    .evaluate = evaluate,
};

} // namespace gradc
