// The cosine.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_cos;
const OpDef op_cos{
    .name = "cos",
    .doc = "cos x, in radians",
    .arity = 1,
    .kind = OpKind::elementwise,
    .expensive = true,
    .infer = infer_float,
    // dx = -dy sin x
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var x = rule.input(0), dy = rule.dy;
      return {-(dy * sin(x))};
    },
    .lower = lower_elementwise<ScalarOp::cos>,
    .evaluate = evaluate_elementwise<ScalarOp::cos>,
};

} // namespace gradc
