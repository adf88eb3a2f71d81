// The natural logarithm.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_log;
const OpDef op_log{
    .name = "log",
    .doc = "ln x; -inf at 0, NaN below",
    .arity = 1,
    .kind = OpKind::elementwise,
    .expensive = true,
    .infer = infer_float,
    // dx = dy / x
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var x = rule.input(0), dy = rule.dy;
      return {dy / x};
    },
    .lower = lower_elementwise<ScalarOp::log>,
    .evaluate = evaluate_elementwise<ScalarOp::log>,
};

} // namespace gradc
