// The logistic function.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_sigmoid;
const OpDef op_sigmoid{
    .name = "sigmoid",
    .doc = "1 / (1 + e^-x), without overflow",
    .arity = 1,
    .kind = OpKind::elementwise,
    .expensive = true,
    .infer = infer_float,
    // dx = dy y (1 - y)
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var y = rule.output, dy = rule.dy;
      return {dy * (y * (1 - y))};
    },
    .lower = lower_elementwise<ScalarOp::sigmoid>,
    .evaluate = evaluate_elementwise<ScalarOp::sigmoid>,
};

} // namespace gradc
