// The larger of two numbers.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_maximum;
const OpDef op_maximum{
    .name = "maximum",
    .doc = "the larger of x and y; NaN where either is",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_number,
    // dx = dz where x > y, dy = dz where x < y, half to each where x = y
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var x = rule.input(0), y = rule.input(1), dz = rule.dy;
      const Var zero = number_like(dz, 0), tie = equal(x, y), half = select(tie, 0.5 * dz, zero);
      return {select(greater(x, y), dz, half), select(less(x, y), dz, half)};
    },
    .lower = lower_elementwise<ScalarOp::maximum>,
    .evaluate = evaluate_elementwise<ScalarOp::maximum>,
};

} // namespace gradc
