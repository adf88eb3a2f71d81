// The square root.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_sqrt;
const OpDef op_sqrt{
    .name = "sqrt",
    .doc = "the square root of x; NaN below 0",
    .arity = 1,
    .kind = OpKind::elementwise,
    .infer = infer_float,
    // dx = dy / (2 y)
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var y = rule.output, dy = rule.dy;
      return {0.5 * dy / y};
    },
    .lower = lower_elementwise<ScalarOp::sqrt>,
    .evaluate = evaluate_elementwise<ScalarOp::sqrt>,
};

} // namespace gradc
