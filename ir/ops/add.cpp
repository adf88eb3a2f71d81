// The sum.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_add;
const OpDef op_add{
    .name = "add",
    .doc = "x + y; integers wrap",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_number,
    // dx = dz, dy = dz
    .gradient = [](const Adjoint &rule) -> Gradients { return {rule.dy, rule.dy}; },
    .lower = lower_elementwise<ScalarOp::add>,
    .evaluate = evaluate_elementwise<ScalarOp::add>,
};

} // namespace gradc
