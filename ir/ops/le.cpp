// Less than or equal.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_le;
const OpDef op_le{
    .name = "le",
    .doc = "x <= y; false where either is NaN",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_order,
    .gradient = no_gradient,
    .lower = lower_elementwise<ScalarOp::le>,
    .evaluate = evaluate_elementwise<ScalarOp::le>,
};

} // namespace gradc
