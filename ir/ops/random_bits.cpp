// Random words.
#include "ir/ops/elementwise.h"
#include "ir/random.h"

namespace gradc {

extern const OpDef op_random_bits;
const OpDef op_random_bits{
    .name = "random_bits",
    .doc = "32 random bits an element, a function of (seed, step), the stream and the element",
    .arity = 2,
    .kind = OpKind::source,
    .attrs = random_attrs(),
    .type_rule = TypeRule::written,
    .expensive = true,
    .infer = [](const Signature &s) -> Type { return infer_random(s, {DType::i32}); },
    .gradient = no_gradient,
    .lower = [](NodeLowering &l, const Index &at) -> ExprId { return random_word(l, at); },
    .evaluate =
        [](const Node &node, std::span<const Tensor *const> inputs, Tensor &result) {
          for (int64_t e = 0; e < result.type.elements(); ++e)
            result.set_integer(e, random_word(node, inputs, e));
        },
};

} // namespace gradc
