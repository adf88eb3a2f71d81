// Conjunction of truth values.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_logical_and;
const OpDef op_logical_and{
    .name = "logical_and",
    .doc = "x and y",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_logical,
    .gradient = no_gradient,
    .lower = lower_elementwise<ScalarOp::logical_and>,
    .evaluate = evaluate_elementwise<ScalarOp::logical_and>,
};

} // namespace gradc
