// Adds rows to those of a table; rows that meet add up, in the order of the updates.
#include "ir/axes.h"
#include "ir/rows.h"

namespace gradc {

static Type infer(const Signature &s) {
  const Type &base = s.inputs[0], &indices = s.inputs[1], &updates = s.inputs[2];
  check_rows(base, indices);
  if (base.dtype == DType::boolean)
    throw Error("expected floats or integers to add, got " + to_string(base));
  Type expected{base.dtype, rows_shape(base, indices)};
  if (updates != expected)
    throw Error("updates must be " + to_string(expected) + ", one row of " + to_string(base) +
                " for each of " + to_string(indices) + ", got " + to_string(updates));
  return base;
}

static void lower_store(NodeLowering &l) {
  auto identity = [](const Index &at) { return at; };
  l.store(l.node.type.shape, [&](const Index &at) { return l.operand(0, at); }, identity, false);
  l.store(
      l.operand_type(2).shape, [&](const Index &at) { return l.operand(2, at); },
      [&](const Index &at) { return row_index(l, l.node.type, 1, at); }, true);
}

static void evaluate(const Node &, std::span<const Tensor *const> in, Tensor &result) {
  const Tensor &base = *in[0], &updates = *in[2];
  for (int64_t i = 0; i < base.type.elements(); ++i)
    copy_element(base, i, result, i);
  if (is_float(base.type.dtype)) {
    std::vector<double> sums = base.floats;
    for_each_row_element(base, *in[1], [&](int64_t in_rows, int64_t in_table) {
      sums[static_cast<size_t>(in_table)] += updates.floats[static_cast<size_t>(in_rows)];
    });
    for (size_t i = 0; i < sums.size(); ++i)
      result.set(static_cast<int64_t>(i), sums[i]);
    return;
  }
  for_each_row_element(base, *in[1], [&](int64_t in_rows, int64_t in_table) {
    auto sum = static_cast<uint64_t>(result.integers[static_cast<size_t>(in_table)]) +
               static_cast<uint64_t>(updates.integers[static_cast<size_t>(in_rows)]);
    result.set_integer(in_table, static_cast<int64_t>(sum));
  });
}

extern const OpDef op_scatter_add;
const OpDef op_scatter_add{
    .name = "scatter_add",
    .doc = "base with updates(s..., k...) added at (indices(s...), k...); indices are clamped to the rows "
           "there are",
    .arity = 3,
    .kind = OpKind::scatter,
    .infer = infer,
    .gradient = [](const Adjoint &g) -> Gradients {
      return {g.dy, kNoGradient, apply("gather", {g.dy, g.input(1)})};
    },
    .lower_store = lower_store,
    .evaluate = evaluate,
};

} // namespace gradc
