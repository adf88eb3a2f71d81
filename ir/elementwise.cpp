// The rules elementwise ops share: see ir/ops/elementwise.h.
#include "ir/ops/elementwise.h"

namespace gradc {

Shape infer_broadcast(const Signature &s) {
  Shape shape;
  for (const Type &input : s.inputs) {
    std::optional<Shape> both = broadcast_shapes(shape, input.shape);
    if (!both)
      throw Error("the shapes " + to_string(shape) + " and " + to_string(input.shape) + " do not broadcast");
    shape = std::move(*both);
  }
  return shape;
}

static std::string operand(size_t n) { return "operand " + std::to_string(n); }

static std::string expected(std::string_view what, DType got) {
  return ": expected " + std::string(what) + ", got " + std::string(to_string(got));
}

static void check_same_dtype(const Signature &s) {
  DType first = s.inputs[0].dtype;
  for (size_t n = 1; n < s.inputs.size(); ++n)
    if (s.inputs[n].dtype != first)
      throw Error(operand(n) +
                  expected(std::string(to_string(first)) + " as for operand 0", s.inputs[n].dtype));
}

static void check_numbers(const Signature &s) {
  for (size_t n = 0; n < s.inputs.size(); ++n)
    if (s.inputs[n].dtype == DType::boolean)
      throw Error(operand(n) + expected("f32, f64, i32 or i64", DType::boolean));
}

void check_float(DType dtype, const std::string &what) {
  if (!is_float(dtype))
    throw Error(what + expected("f32 or f64", dtype));
}

Type infer_float(const Signature &s) {
  for (size_t n = 0; n < s.inputs.size(); ++n)
    check_float(s.inputs[n].dtype, operand(n));
  check_same_dtype(s);
  return {s.inputs[0].dtype, infer_broadcast(s)};
}

Type infer_number(const Signature &s) {
  check_numbers(s);
  check_same_dtype(s);
  return {s.inputs[0].dtype, infer_broadcast(s)};
}

Type infer_logical(const Signature &s) {
  for (size_t n = 0; n < s.inputs.size(); ++n)
    if (s.inputs[n].dtype != DType::boolean)
      throw Error(operand(n) + expected("bool", s.inputs[n].dtype));
  return {DType::boolean, infer_broadcast(s)};
}

Type infer_order(const Signature &s) { return {DType::boolean, infer_number(s).shape}; }

Type infer_equal(const Signature &s) {
  check_same_dtype(s);
  return {DType::boolean, infer_broadcast(s)};
}

ExprId lower_elementwise(ScalarOp op, NodeLowering &l, const Index &at) {
  std::vector<ExprId> args;
  for (int n = 0; n < static_cast<int>(l.node.inputs.size()); ++n)
    args.push_back(l.operand_broadcast(n, at));
  return l.apply(op, std::move(args), l.node.type.dtype);
}

/// The operands' elements at every index of the result, as doubles or as int64.
template <typename T>
static void evaluate(ScalarOp op, std::span<const Tensor *const> inputs, Tensor &result) {
  const DType dtype = inputs.back()->type.dtype;
  std::vector<T> args(inputs.size());
  int64_t flat = 0;
  for_each_index(result.type.shape, [&](const std::vector<int64_t> &index) {
    for (size_t n = 0; n < inputs.size(); ++n) {
      const Tensor &input = *inputs[n];
      auto from = static_cast<size_t>(flat_index(input.type.shape, index));
      args[n] = is_float(input.type.dtype) ? static_cast<T>(input.floats[from])
                                           : static_cast<T>(input.integers[from]);
    }
    T value = evaluate_scalar(op, dtype, result.type.dtype, args.data());
    if constexpr (std::is_floating_point_v<T>)
      result.set(flat++, value);
    else
      result.set_integer(flat++, value);
  });
}

void evaluate_elementwise(ScalarOp op, std::span<const Tensor *const> inputs, Tensor &result) {
  // The last operand says which: the first of select is a condition.
  if (is_float(inputs.back()->type.dtype))
    evaluate<double>(op, inputs, result);
  else
    evaluate<int64_t>(op, inputs, result);
}

Gradients no_gradient(const Adjoint &rule) {
  return Gradients(rule.inputs.size(), kNoGradient);
}

} // namespace gradc
