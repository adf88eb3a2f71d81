// Disjunction of truth values.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_logical_or;
const OpDef op_logical_or{
    .name = "logical_or",
    .doc = "x or y",
    .arity = 2,
    .kind = OpKind::elementwise,
    .infer = infer_logical,
    .gradient = no_gradient,
    .lower = lower_elementwise<ScalarOp::logical_or>,
    .evaluate = evaluate_elementwise<ScalarOp::logical_or>,
};

} // namespace gradc
