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
    .gradient = [](const Adjoint &rule) -> std::vector<Value> {
      const Term x = input(rule, 0), y = input(rule, 1), dz = adjoint(rule);
      const Term z = output(rule), one = dz.number(1);
      const Term exponent = y.apply("eq", y.number(0)).choose(one, y - 1);
      const Term base = x.apply("eq", x.number(0)).choose(one, x);
      return {dz * (y * x.apply("pow", exponent)), dz * (z * base.apply("log"))};
    },
    .lower = lower_elementwise<ScalarOp::pow>,
    .evaluate = evaluate_elementwise<ScalarOp::pow>,
};

} // namespace gradc
