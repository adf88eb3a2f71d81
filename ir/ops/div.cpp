// The quotient.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_div;
const OpDef op_div{
    .name = "div",
    .doc = "x / y; of integers toward zero, and 0 where y = 0",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_number,
    // dx = dz / y, dy = -dx z
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var y = rule.input(1), z = rule.output, dz = rule.dy;
      const Var dx = dz / y;
      return {dx, -(dx * z)};
    },
    .lower = lower_elementwise<ScalarOp::div>,
    .evaluate = evaluate_elementwise<ScalarOp::div>,
};

} // namespace gradc
