// The logarithm near 1.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_log1p;
const OpDef op_log1p{
    .name = "log1p",
    .doc = "ln(1 + x), accurate near 0",
    .arity = 1,
    .kind = OpKind::elementwise,
    .expensive = true,
    .infer = infer_float,
    // dx = dy / (1 + x)
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var x = rule.input(0), dy = rule.dy;
      return {dy / (x + 1)};
    },
    .lower = lower_elementwise<ScalarOp::log1p>,
    .evaluate = evaluate_elementwise<ScalarOp::log1p>,
};

} // namespace gradc
