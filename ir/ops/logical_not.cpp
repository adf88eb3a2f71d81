// Negation of truth values.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_logical_not;
const OpDef op_logical_not{
    .name = "logical_not",
    .doc = "not x",
    .arity = 1,
    .kind = OpKind::elementwise,
    .infer = infer_logical,
    .gradient = no_gradient,
    .lower = lower_elementwise<ScalarOp::logical_not>,
    .evaluate = evaluate_elementwise<ScalarOp::logical_not>,
};

} // namespace gradc
