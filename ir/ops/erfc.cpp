// The complement of the error function, which keeps the small values that 1 - erf(x) rounds away.
#include "ir/ops/elementwise.h"

#include <numbers>

namespace gradc {

extern const OpDef op_erfc;
const OpDef op_erfc{
    .name = "erfc",
    .doc = "1 - erf(x), accurate where it is small",
    .arity = 1,
    .kind = OpKind::elementwise,
    .expensive = true,
    .infer = infer_float,
    // dx = -dy 2/sqrt(pi) e^(-x^2)
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var x = rule.input(0), dy = rule.dy;
      return {dy * (-2 * std::numbers::inv_sqrtpi * exp(-(x * x)))};
    },
    .lower = lower_elementwise<ScalarOp::erfc>,
    .evaluate = evaluate_elementwise<ScalarOp::erfc>,
};

} // namespace gradc
