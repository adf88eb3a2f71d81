// Numbers that are part of the program.
#include "ir/ops/elementwise.h"

namespace gradc {

static Type infer(const Signature &s) {
  const Type &type = *s.declared;
  if (s.attrs.contains("value") == s.attrs.contains("values"))
    throw Error("expected exactly one of the attributes 'value' and 'values'");
  if (s.attrs.contains("value"))
    return type;
  const size_t count = numbers_attr(s.attrs, "values").size();
  if (static_cast<int64_t>(count) != type.elements())
    throw Error("'values': expected " + std::to_string(type.elements()) + " numbers for " + to_string(type) +
                ", got " + std::to_string(count));
  return type;
}

static ExprId lower(NodeLowering &l, const Index &) {
  if (!l.node.attrs.contains("value"))
    throw Unfusable("a constant with many values is read from memory");
  return l.literal(number_attr(l.node.attrs, "value"), l.node.type.dtype);
}

static void evaluate(const Node &node, std::span<const Tensor *const>, Tensor &result) {
  const bool splat = node.attrs.contains("value");
  const std::vector<Number> values =
      splat ? std::vector<Number>{number_attr(node.attrs, "value")} : numbers_attr(node.attrs, "values");
  for (int64_t i = 0; i < result.type.elements(); ++i)
    result.set_exact(i, values[splat ? 0 : static_cast<size_t>(i)]);
}

extern const OpDef op_constant;
const OpDef op_constant{
    .name = "constant",
    .doc = "fixed numbers: one for all elements, or one each in row-major order",
    .arity = 0,
    .kind = OpKind::source,
    .attrs = {{"value", AttrKind::number, "the number of every element", std::nullopt, true},
              {"values", AttrKind::numbers, "the number of each element", std::nullopt, true}},
    .type_rule = TypeRule::written,
    .infer = infer,
    .gradient = no_gradient,
    .lower = lower,
    .evaluate = evaluate,
};

} // namespace gradc
