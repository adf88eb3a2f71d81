// Less than.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_lt;
const OpDef op_lt{
    .name = "lt",
    .doc = "x < y; false where either is NaN",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_order,
    .gradient = no_gradient,
    .lower = lower_elementwise<ScalarOp::lt>,
    .evaluate = evaluate_elementwise<ScalarOp::lt>,
};

} // namespace gradc
