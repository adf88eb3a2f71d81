// The product.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_mul;
const OpDef op_mul{
    .name = "mul",
    .doc = "x y; integers wrap",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_number,
    // dx = dz y, dy = dz x
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var x = rule.input(0), y = rule.input(1), dz = rule.dy;
      return {dz * y, dz * x};
    },
    .lower = lower_elementwise<ScalarOp::mul>,
    .evaluate = evaluate_elementwise<ScalarOp::mul>,
};

} // namespace gradc
