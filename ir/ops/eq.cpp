// Equality.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_eq;
const OpDef op_eq{
    .name = "eq",
    .doc = "x = y; false where either is NaN",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_equal,
    .gradient = no_gradient,
    .lower = lower_elementwise<ScalarOp::eq>,
    .evaluate = evaluate_elementwise<ScalarOp::eq>,
};

} // namespace gradc
