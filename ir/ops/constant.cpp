// Numbers that are part of the program.
#include "ir/ops/elementwise.h"

#include <cmath>

namespace gradc {

static void check_value(double value, DType dtype) {
  if (is_float(dtype))
    return;
  double low = dtype == DType::boolean ? 0 : dtype == DType::i32 ? -0x1p31 : -0x1p63;
  double limit = dtype == DType::boolean ? 2 : dtype == DType::i32 ? 0x1p31 : 0x1p63; // exclusive
  if (value != std::floor(value) || value < low || value >= limit)
    throw Error(std::to_string(value) + " is not a value of " + std::string(to_string(dtype)));
}

static Type infer(const Signature &s) {
  const Type &type = *s.declared;
  if (s.attrs.contains("value") == s.attrs.contains("values"))
    throw Error("expected exactly one of the attributes 'value' and 'values'");
  if (s.attrs.contains("value")) {
    check_value(number_attr(s.attrs, "value"), type.dtype);
    return type;
  }
  const std::vector<double> &values = numbers_attr(s.attrs, "values");
  if (static_cast<int64_t>(values.size()) != type.elements())
    throw Error("'values': expected " + std::to_string(type.elements()) + " numbers for " + to_string(type) +
                ", got " + std::to_string(values.size()));
  for (double value : values)
    check_value(value, type.dtype);
  return type;
}

static ExprId lower(NodeLowering &l, const Index &) {
  if (!l.node.attrs.contains("value"))
    throw Unfusable("a constant with many values is read from memory");
  return l.literal(number_attr(l.node.attrs, "value"), l.node.type.dtype);
}

static void evaluate(const Node &node, std::span<const Tensor *const>, Tensor &result) {
  const bool splat = node.attrs.contains("value");
  for (int64_t i = 0; i < result.type.elements(); ++i)
    result.set(i, splat ? number_attr(node.attrs, "value")
                        : numbers_attr(node.attrs, "values")[static_cast<size_t>(i)]);
}

extern const OpDef op_constant;
const OpDef op_constant{
    .name = "constant",
    .doc = "fixed numbers: one for all elements, or one each in row-major order",
    .arity = 0,
    .kind = OpKind::source,
    .attrs = {{"value", AttrKind::number, "the number of every element", std::nullopt, true},
              {"values", AttrKind::numbers, "the number of each element", std::nullopt, true}},
    .explicit_type = true,
    .infer = infer,
    .gradient = no_gradient,
    .lower = lower,
    .evaluate = evaluate,
};

} // namespace gradc
