// The hyperbolic tangent.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_tanh;
const OpDef op_tanh{
    .name = "tanh",
    .doc = "tanh x",
    .arity = 1,
    .kind = OpKind::elementwise,
    .expensive = true,
    .infer = infer_float,
    // dx = dy (1 - y^2)
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var y = rule.output, dy = rule.dy;
      return {dy * (1 - y * y)};
    },
    .lower = lower_elementwise<ScalarOp::tanh>,
    .evaluate = evaluate_elementwise<ScalarOp::tanh>,
};

} // namespace gradc
