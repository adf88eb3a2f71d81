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
    .gradient = [](const Adjoint &rule) -> std::vector<Value> {
      const Term y = output(rule), dy = adjoint(rule);
      return {dy * y};
    },
    .lower = lower_elementwise<ScalarOp::exp>,
    .evaluate = evaluate_elementwise<ScalarOp::exp>,
};

} // namespace gradc
