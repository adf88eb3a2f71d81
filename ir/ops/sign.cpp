// The sign.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_sign;
const OpDef op_sign{
    .name = "sign",
    .doc = "1 where x > 0, -1 where x < 0, else x (0 or NaN)",
    .arity = 1,
    .kind = OpKind::elementwise,
    .infer = infer_number,
    .gradient = no_gradient,
    .lower = lower_elementwise<ScalarOp::sign>,
    .evaluate = evaluate_elementwise<ScalarOp::sign>,
};

} // namespace gradc
