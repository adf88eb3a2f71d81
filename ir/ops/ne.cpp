// Inequality.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_ne;
const OpDef op_ne{
    .name = "ne",
    .doc = "x is not y; true where either is NaN",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_equal,
    .gradient = no_gradient,
    .lower = lower_elementwise<ScalarOp::ne>,
    .evaluate = evaluate_elementwise<ScalarOp::ne>,
};

} // namespace gradc
