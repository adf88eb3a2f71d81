// The sine.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_sin;
const OpDef op_sin{
    .name = "sin",
    .doc = "sin x, in radians",
    .arity = 1,
    .kind = OpKind::elementwise,
    .expensive = true,
    .infer = infer_float,
    // dx = dy cos x
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var x = rule.input(0), dy = rule.dy;
      return {dy * cos(x)};
    },
    .lower = lower_elementwise<ScalarOp::sin>,
    .evaluate = evaluate_elementwise<ScalarOp::sin>,
};

} // namespace gradc
