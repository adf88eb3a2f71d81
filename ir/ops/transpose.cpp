// Reorders the dims of a tensor.
#include "ir/axes.h"
#include "ir/lowering/lower.h"
#include "ir/op.h"

namespace gradc {

static const std::vector<int64_t> &permutation(const Attrs &attrs) { return ints_attr(attrs, "perm"); }

static Type infer(const Signature &s) {
  const Type &x = s.inputs[0];
  const std::vector<int64_t> &perm = permutation(s.attrs);
  check_one_per_dim("perm", perm, x.rank());
  check_axes("perm", perm, x.rank());
  Type result{x.dtype, {}};
  for (int64_t axis : perm)
    result.shape.push_back(x.shape[static_cast<size_t>(axis)]);
  return result;
}

/// `of` has an entry for each dim of the result; these entries in the order of the operand's dims. Dim d of the result
/// is dim perm[d] of the operand.
template <typename T>
static std::vector<T> unpermuted(const std::vector<int64_t> &perm, const std::vector<T> &of) {
  std::vector<T> result(of.size());
  for (size_t d = 0; d < of.size(); ++d)
    result[static_cast<size_t>(perm[d])] = of[d];
  return result;
}

static Gradients gradient(const Adjoint &g) {
  const std::vector<int64_t> &perm = permutation(g.attrs);
  std::vector<int64_t> identity;
  for (size_t d = 0; d < perm.size(); ++d)
    identity.push_back(static_cast<int64_t>(d));
  return {apply("transpose", {g.dy}, {{"perm", unpermuted(perm, identity)}})};
}

static void evaluate(const Node &node, std::span<const Tensor *const> in, Tensor &result) {
  const std::vector<int64_t> &perm = permutation(node.attrs);
  int64_t from = 0;
  for_each_index(in[0]->type.shape, [&](const std::vector<int64_t> &index) {
    std::vector<int64_t> at;
    for (int64_t axis : perm)
      at.push_back(index[static_cast<size_t>(axis)]);
    copy_element(*in[0], from++, result, flat_index(result.type.shape, at));
  });
}

extern const OpDef op_transpose;
const OpDef op_transpose{
    .name = "transpose",
    .doc = "x with its dims reordered: dim d of the result is dim perm[d] of x",
    .arity = 1,
    .kind = OpKind::movement,
    .attrs = {{"perm", AttrKind::integers, "for each dim of the result, the dim of the operand"}},
    .infer = infer,
    .gradient = gradient,
    .lower = [](NodeLowering &l, const Index &at) -> ExprId {
      return l.operand(0, unpermuted(permutation(l.node.attrs), at));
    },
    .evaluate = evaluate,
};

} // namespace gradc
