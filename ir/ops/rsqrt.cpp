// The reciprocal square root.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_rsqrt;
const OpDef op_rsqrt{
    .name = "rsqrt",
    .doc = "1 / sqrt(x)",
    .arity = 1,
    .kind = OpKind::elementwise,
    .infer = infer_float,
    // dx = -dy y^3 / 2
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var y = rule.output, dy = rule.dy;
      return {-0.5 * dy * (y * y * y)};
    },
    .lower = lower_elementwise<ScalarOp::rsqrt>,
    .evaluate = evaluate_elementwise<ScalarOp::rsqrt>,
};

} // namespace gradc
