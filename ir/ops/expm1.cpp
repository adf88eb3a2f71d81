// The exponential near 0.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_expm1;
const OpDef op_expm1{
    .name = "expm1",
    .doc = "e^x - 1, accurate near 0",
    .arity = 1,
    .kind = OpKind::elementwise,
    .expensive = true,
    .infer = infer_float,
    // dx = dy e^x; of y + 1, nothing is left where y is nearly -1
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var x = rule.input(0), dy = rule.dy;
      return {dy * exp(x)};
    },
    .lower = lower_elementwise<ScalarOp::expm1>,
    .evaluate = evaluate_elementwise<ScalarOp::expm1>,
};

} // namespace gradc
