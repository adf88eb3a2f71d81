// Greater than.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_gt;
const OpDef op_gt{
    .name = "gt",
    .doc = "x > y; false where either is NaN",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_order,
    .gradient = no_gradient,
    .lower = lower_elementwise<ScalarOp::gt>,
    .evaluate = evaluate_elementwise<ScalarOp::gt>,
};

} // namespace gradc
