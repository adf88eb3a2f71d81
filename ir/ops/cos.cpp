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
    .gradient = [](const Adjoint &rule) -> std::vector<Value> {
      const Term x = input(rule, 0), dy = adjoint(rule);
      return {-(dy * x.apply("sin"))};
    },
    .lower = lower_elementwise<ScalarOp::cos>,
    .evaluate = evaluate_elementwise<ScalarOp::cos>,
};

} // namespace gradc
