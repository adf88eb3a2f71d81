// A constant as far as differentiation is concerned.
#include "ir/axes.h"
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_stop_gradient;
const OpDef op_stop_gradient{
    .name = "stop_gradient",
    .doc = "x, through which no gradient flows",
    .arity = 1,
    .kind = OpKind::elementwise,
    .infer = [](const Signature &s) -> Type { return s.inputs[0]; },
    .gradient = no_gradient,
    .lower = [](NodeLowering &l, const Index &at) -> ExprId { return l.operand(0, at); },
    .evaluate =
        [](const Node &, std::span<const Tensor *const> inputs, Tensor &result) {
          for (int64_t i = 0; i < result.type.elements(); ++i)
            copy_element(*inputs[0], i, result, i);
        },
};

} // namespace gradc
