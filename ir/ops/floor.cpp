// Rounding down.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_floor;
const OpDef op_floor{
    .name = "floor",
    .doc = "the largest integer not above x",
    .arity = 1,
    .kind = OpKind::elementwise,
    .infer = infer_float,
    .gradient = no_gradient,
    .lower = lower_elementwise<ScalarOp::floor>,
    .evaluate = evaluate_elementwise<ScalarOp::floor>,
};

} // namespace gradc
