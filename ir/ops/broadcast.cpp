// Repeats a tensor along new leading dims and along dims of extent 1, as NumPy aligns shapes: from the right.
#include "ir/axes.h"
#include "ir/lowering/lower.h"
#include "ir/op.h"

namespace gradc {

/// Dims of the result along which the operand is repeated.
static std::vector<int64_t> repeated_axes(const Shape &operand, const Shape &result) {
  std::vector<int64_t> axes;
  size_t leading = result.size() - operand.size();
  for (size_t d = 0; d < result.size(); ++d)
    if (d < leading || operand[d - leading] != result[d])
      axes.push_back(static_cast<int64_t>(d));
  return axes;
}

static Gradients gradient(const Adjoint &g) {
  const Shape x = g.input(0).shape();
  return {reshape(sum(g.dy, repeated_axes(x, g.dy.shape()), false), x)};
}

extern const OpDef op_broadcast;
const OpDef op_broadcast{
    .name = "broadcast",
    .doc = "x repeated to the shape of the result, aligned from the right",
    .arity = 1,
    .kind = OpKind::movement,
    .type_rule = TypeRule::written,
    .infer = [](const Signature &s) -> Type {
      const Type &x = s.inputs[0];
      if (x.dtype != s.declared->dtype || broadcast_shapes(x.shape, s.declared->shape) != s.declared->shape)
        throw Error("cannot broadcast " + to_string(x) + " to " + to_string(*s.declared) +
                    ": expected the same dtype, and from the right equal dims or dims of extent 1");
      return *s.declared;
    },
    .gradient = gradient,
    .lower = [](NodeLowering &l, const Index &at) -> ExprId { return l.operand_broadcast(0, at); },
    .evaluate =
        [](const Node &, std::span<const Tensor *const> in, Tensor &result) {
          int64_t to = 0;
          for_each_index(result.type.shape, [&](const std::vector<int64_t> &at) {
            copy_element(*in[0], flat_index(in[0]->type.shape, at), result, to++);
          });
        },
};

} // namespace gradc
