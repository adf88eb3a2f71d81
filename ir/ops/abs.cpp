// The absolute value.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_abs;
const OpDef op_abs{
    .name = "abs",
    .doc = "|x|; integers wrap",
    .arity = 1,
    .kind = OpKind::elementwise,
    .infer = infer_number,
    // dx = dy sign(x)
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var x = rule.input(0), dy = rule.dy;
      return {dy * sign(x)};
    },
    .lower = lower_elementwise<ScalarOp::abs>,
    .evaluate = evaluate_elementwise<ScalarOp::abs>,
};

} // namespace gradc
