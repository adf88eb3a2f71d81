// The larger of two numbers.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_maximum;
const OpDef op_maximum{
    .name = "maximum",
    .doc = "the larger of x and y; NaN where either is",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_number,
    // dx = dz where x > y, dy = dz where x < y, half to each where x = y
    .gradient = [](const Adjoint &rule) -> std::vector<Value> {
      const Term x = input(rule, 0), y = input(rule, 1), dz = adjoint(rule);
      const Term zero = dz.number(0), half = x.apply("eq", y).choose(0.5 * dz, zero);
      return {x.apply("gt", y).choose(dz, half), x.apply("lt", y).choose(dz, half)};
    },
    .lower = lower_elementwise<ScalarOp::maximum>,
    .evaluate = evaluate_elementwise<ScalarOp::maximum>,
};

} // namespace gradc
