// Change of dtype.
#include "ir/ops/elementwise.h"

namespace gradc {

extern const OpDef op_cast;
const OpDef op_cast{
    .name = "cast",
    .doc = "x in another dtype: floats to integers toward zero and saturating (NaN to 0), to bool as x != 0",
    .arity = 1,
    .kind = OpKind::elementwise,
    .type_rule = TypeRule::written,
    .infer = [](const Signature &s) -> Type {
      if (s.declared->shape != s.inputs[0].shape)
        throw Error("expected the operand's shape " + to_string(s.inputs[0].shape) + ", got " +
                    to_string(s.declared->shape));
      return *s.declared;
    },
    // dx = dy, in the dtype of x; a step function of or to integers has none
    .gradient = [](const Adjoint &rule) -> Gradients {
      const DType x = rule.input(0).dtype(), y = rule.output.dtype();
      if (!is_float(x) || !is_float(y))
        return {kNoGradient};
      return {cast(rule.dy, x)};
    },
    .lower = lower_elementwise<ScalarOp::cast>,
    .evaluate = evaluate_elementwise<ScalarOp::cast>,
};

} // namespace gradc
