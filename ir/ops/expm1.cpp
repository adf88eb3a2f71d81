// The exponential near 0.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_expm1;
const OpDef op_expm1{
    .name = "expm1",
    .doc = "e^x - 1, accurate near 0",
    .arity = 1,
    .kind = OpKind::elementwise,
    .expensive = true,
    .infer = infer_float,
    // dx = dy (y + 1)
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var y = rule.output, dy = rule.dy;
      return {dy * (y + 1)};
    },
    .lower = lower_elementwise<ScalarOp::expm1>,
    .evaluate = evaluate_elementwise<ScalarOp::expm1>,
};

} // namespace gradc
