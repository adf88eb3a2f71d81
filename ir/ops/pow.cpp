// The power.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_pow;
const OpDef op_pow{
    .name = "pow",
    .doc = "x^y",
    .arity = 2,
    .kind = OpKind::elementwise,
    .expensive = true,
    .infer = infer_float,
    // dx = dz y x^(y-1), where 0 x^(-1) counts as 0; dy = dz z ln x, where 0 ln 0 counts as 0. The exceptions
    // replace what goes into the power and the logarithm, so that higher derivatives stay finite too.
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var x = rule.input(0), y = rule.input(1), dz = rule.dy;
      const Var z = rule.output, one = number_like(dz, 1);
      const Var is_constant = equal(y, 0), exponent = select(is_constant, one, y - 1);
      const Var base = select(equal(x, 0), one, x);
      return {dz * (y * pow(x, exponent)), dz * (z * log(base))};
    },
    .lower = lower_elementwise<ScalarOp::pow>,
    .evaluate = evaluate_elementwise<ScalarOp::pow>,
};

} // namespace gradc
