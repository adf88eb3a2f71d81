// Greater than or equal.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_ge;
const OpDef op_ge{
    .name = "ge",
    .doc = "x >= y; false where either is NaN",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_order,
    .gradient = no_gradient,
    .lower = lower_elementwise<ScalarOp::ge>,
    .evaluate = evaluate_elementwise<ScalarOp::ge>,
};

} // namespace gradc
