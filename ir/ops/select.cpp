// A choice per element.
#include "ir/ops/elementwise.h"

namespace gradc {

static Type infer_select(const Signature &s) {
  DType condition = s.inputs[0].dtype, x = s.inputs[1].dtype, y = s.inputs[2].dtype;
  if (condition != DType::boolean)
    throw Error("operand 0, the condition: expected bool, got " + std::string(to_string(condition)));
  if (x != y)
    throw Error("operands 1 and 2: expected one dtype, got " + std::string(to_string(x)) + " and " +
                std::string(to_string(y)));
  return {x, infer_broadcast(s)};
}

extern const OpDef op_select;
const OpDef op_select{
    .name = "select",
    .doc = "where c: x, elsewhere y",
    .arity = 3,
    .kind = OpKind::elementwise,
    .infer = infer_select,
    // dx = dz where c, 0 elsewhere; dy the other way round
    .gradient = [](const Adjoint &rule) -> Gradients {
      const Var c = rule.input(0), dz = rule.dy, zero = number_like(dz, 0);
      return {kNoGradient, select(c, dz, zero), select(c, zero, dz)};
    },
    .lower = lower_elementwise<ScalarOp::select>,
    .evaluate = evaluate_elementwise<ScalarOp::select>,
};

} // namespace gradc
