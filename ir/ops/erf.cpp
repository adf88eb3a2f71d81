// The error function.
#include "ir/ops/elementwise.h"

#include <numbers>

namespace gradc {

extern const OpDef op_erf;
const OpDef op_erf{
    .name = "erf",
    .doc = "2/sqrt(pi) times the integral of e^(-t^2) from 0 to x",
    .arity = 1,
    .kind = OpKind::elementwise,
    .expensive = true,
    .infer = infer_float,
    // dx = dy 2/sqrt(pi) e^(-x^2)
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var x = rule.input(0), dy = rule.dy;
      return {dy * (2 * std::numbers::inv_sqrtpi * exp(-(x * x)))};
    },
    .lower = lower_elementwise<ScalarOp::erf>,
    .evaluate = evaluate_elementwise<ScalarOp::erf>,
};

} // namespace gradc
