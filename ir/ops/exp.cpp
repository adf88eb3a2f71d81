// The exponential.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_exp;
const OpDef op_exp{
    .name = "exp",
    .doc = "e^x",
    .arity = 1,
    .kind = OpKind::elementwise,
    .expensive = true,
    .infer = infer_float,
    // dx = dy y
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var y = rule.output, dy = rule.dy;
      return {dy * y};
    },
    .lower = lower_elementwise<ScalarOp::exp>,
    .evaluate = evaluate_elementwise<ScalarOp::exp>,
};

} // namespace gradc
