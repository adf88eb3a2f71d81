// The same elements, in row-major order, in another shape.
#include "ir/axes.h"
#include "ir/lowering/lower.h"
#include "ir/op.h"

namespace gradc {

namespace {

/// One summand of a row-major position: `at` (from 0 to extent - 1) times `stride`.
struct Part {
  IndexExpr at;
  int64_t extent, stride;
};

} // namespace

static std::vector<Part> position_parts(const Shape &shape, const Index &at) {
  std::vector<Part> parts;
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0; stride *= shape[d])
    if (shape[d] > 1)
      parts.push_back({at[d], shape[d], stride});
  return parts;
}

/// Removes from `parts` those whose stride is a multiple of `divisor`. Returns what they contribute to position /
/// divisor: the sum of at * (stride / divisor).
static IndexExpr take_multiples(std::vector<Part> &parts, int64_t divisor) {
  IndexExpr quotient;
  std::erase_if(parts, [&](const Part &p) {
    if (p.stride % divisor != 0)
      return false;
    quotient = quotient + p.at * (p.stride / divisor);
    return true;
  });
  return quotient;
}

static IndexExpr total(const std::vector<Part> &parts) {
  IndexExpr sum;
  for (const Part &p : parts)
    sum = sum + p.at * p.stride;
  return sum;
}

static int64_t largest(const std::vector<Part> &parts) {
  int64_t sum = 0;
  for (const Part &p : parts)
    sum += (p.extent - 1) * p.stride;
  return sum;
}

static IndexExpr divided(NodeLowering &l, ScalarOp op, const IndexExpr &e, int64_t divisor) {
  return IndexExpr::computed(l.apply(op, {l.index_value(e), l.integer(divisor)}, DType::i64));
}

/// floor((position mod modulus) / stride), where stride divides modulus: the index along the dim that has this stride
/// and the extent modulus / stride. Where dims of both shapes begin at the same stride, the index is affine; only what
/// is left over needs a division.
static IndexExpr dim_index(NodeLowering &l, std::vector<Part> parts, int64_t modulus, int64_t stride) {
  take_multiples(parts, modulus);
  if (largest(parts) >= modulus) {
    IndexExpr rest = divided(l, ScalarOp::floormod, total(parts), modulus);
    return stride == 1 ? rest : divided(l, ScalarOp::floordiv, rest, stride);
  }
  IndexExpr index = take_multiples(parts, stride);
  return largest(parts) < stride ? index : index + divided(l, ScalarOp::floordiv, total(parts), stride);
}

static ExprId lower_reshape(NodeLowering &l, const Index &at) {
  const Shape &operand = l.operand_type(0).shape;
  if (element_count(operand) == 0)
    return l.literal(0, l.node.type.dtype);
  std::vector<Part> parts = position_parts(l.node.type.shape, at);
  Index index(operand.size());
  int64_t stride = 1;
  for (size_t d = operand.size(); d-- > 0; stride *= operand[d])
    if (operand[d] > 1)
      index[d] = dim_index(l, parts, stride * operand[d], stride);
  return l.operand(0, index);
}

extern const OpDef op_reshape;
const OpDef op_reshape{
    .name = "reshape",
    .doc = "the elements of x in row-major order, in the shape of the result",
    .arity = 1,
    .kind = OpKind::movement,
    .type_rule = TypeRule::written,
    .infer = [](const Signature &s) -> Type {
      const Type &x = s.inputs[0];
      if (x.dtype != s.declared->dtype || x.elements() != s.declared->elements())
        throw Error("cannot reshape " + to_string(x) + " to " + to_string(*s.declared) +
                    ": expected the same dtype and number of elements");
      return *s.declared;
    },
    .gradient = [](const Adjoint &g) -> Gradients {
      return {reshape(g.dy, g.input(0).shape())};
    },
    .lower = lower_reshape,
    .evaluate =
        [](const Node &, std::span<const Tensor *const> in, Tensor &result) {
          for (int64_t i = 0; i < result.type.elements(); ++i)
            copy_element(*in[0], i, result, i);
        },
};

} // namespace gradc
