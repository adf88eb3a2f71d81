// The negative.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_neg;
const OpDef op_neg{
    .name = "neg",
    .doc = "-x; integers wrap",
    .arity = 1,
    .kind = OpKind::elementwise,
    .infer = infer_number,
    // dx = -dy
    .gradient = [](const Adjoint &rule) -> Gradients { return {-rule.dy}; },
    .lower = lower_elementwise<ScalarOp::neg>,
    .evaluate = evaluate_elementwise<ScalarOp::neg>,
};

} // namespace gradc
