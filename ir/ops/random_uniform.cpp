// Uniform random numbers.
#include "ir/ops/elementwise.h"
#include "ir/random.h"

namespace gradc {

// f32: b 2^-24, b the 24 high bits of a word. f64: (a 2^26 + b) 2^-53, a the 27 high bits of one word and b
// the 26 of the next. Every step is exact.
static ExprId lower(NodeLowering &l, const Index &at) {
  const DType dtype = l.node.type.dtype;
  auto cast = [&](ExprId x) { return l.apply(ScalarOp::cast, {x}, dtype); };
  auto scale = [&](ExprId x, double by) { return l.apply(ScalarOp::mul, {x, l.literal(by, dtype)}, dtype); };
  if (dtype == DType::f32)
    return scale(cast(high_bits(l, random_word(l, at), 24)), 0x1p-24);
  auto [first, second] = random_word_pair(l, at);
  ExprId high = scale(cast(high_bits(l, first, 27)), 0x1p26);
  ExprId low = cast(high_bits(l, second, 26));
  return scale(l.apply(ScalarOp::add, {high, low}, dtype), 0x1p-53);
}

static double element(const Node &node, std::span<const Tensor *const> inputs, int64_t e) {
  if (node.type.dtype == DType::f32)
    return static_cast<double>(high_bits(random_word(node, inputs, e), 24)) * 0x1p-24;
  auto [first, second] = random_word_pair(node, inputs, e);
  return static_cast<double>((high_bits(first, 27) << 26) + high_bits(second, 26)) * 0x1p-53;
}

extern const OpDef op_random_uniform;
const OpDef op_random_uniform{
    .name = "random_uniform",
    .doc = "uniform on [0, 1), a function of (seed, step), the stream and the element",
    .arity = 2,
    .kind = OpKind::source,
    .attrs = random_attrs(),
    .type_rule = TypeRule::written,
    .expensive = true,
    .infer = [](const Signature &s) -> Type { return infer_random(s, {DType::f32, DType::f64}); },
    .gradient = no_gradient,
    .lower = lower,
    .evaluate =
        [](const Node &node, std::span<const Tensor *const> inputs, Tensor &result) {
          for (int64_t e = 0; e < result.type.elements(); ++e)
            result.set(e, element(node, inputs, e));
        },
};

} // namespace gradc
