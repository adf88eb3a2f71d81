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
    .gradient = [](const Adjoint &rule) -> std::vector<Value> {
      const Term x = input(rule, 0), dy = adjoint(rule);
      return {dy / x};
    },
    .lower = lower_elementwise<ScalarOp::log>,
    .evaluate = evaluate_elementwise<ScalarOp::log>,
};

} // namespace gradc
