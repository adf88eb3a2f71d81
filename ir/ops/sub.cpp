// The difference.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_sub;
const OpDef op_sub{
    .name = "sub",
    .doc = "x - y; integers wrap",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_number,
    // dx = dz, dy = -dz
    .gradient = [](const Adjoint &rule) -> Gradients { return {rule.dy, -rule.dy}; },
    .lower = lower_elementwise<ScalarOp::sub>,
    .evaluate = evaluate_elementwise<ScalarOp::sub>,
};

} // namespace gradc
