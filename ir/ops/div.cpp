// The quotient.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_div;
const OpDef op_div{
    .name = "div",
    .doc = "x / y; of integers toward zero, and 0 where y = 0",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_number,
    // dx = dz / y, dy = -dx z
    .gradient = [](const Adjoint &rule) -> std::vector<Value> {
      const Term y = input(rule, 1), z = output(rule), dz = adjoint(rule);
      const Term dx = dz / y;
      return {dx, -(dx * z)};
    },
    .lower = lower_elementwise<ScalarOp::div>,
    .evaluate = evaluate_elementwise<ScalarOp::div>,
};

} // namespace gradc
