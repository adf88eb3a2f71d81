// Rows of a table chosen by integers: see ir/rows.h.
#include "ir/rows.h"

#include <algorithm>

namespace gradc {

void check_rows(const Type &table, const Type &indices) {
  if (!is_integer(indices.dtype))
    throw Error("indices must be i32 or i64, got " + to_string(indices));
  if (table.rank() == 0 || table.shape[0] == 0)
    throw Error("the table must have at least one row, got " + to_string(table));
}

Shape rows_shape(const Type &table, const Type &indices) {
  Shape shape = indices.shape;
  shape.insert(shape.end(), table.shape.begin() + 1, table.shape.end());
  return shape;
}

Index row_index(NodeLowering &l, const Type &table, int indices, const Index &at) {
  const Type &type = l.operand_type(indices);
  auto row_begin = at.begin() + static_cast<std::ptrdiff_t>(type.rank());
  ExprId row = l.operand(indices, Index(at.begin(), row_begin));
  if (type.dtype != DType::i64)
    row = l.apply(ScalarOp::cast, {row}, DType::i64);
  row = l.apply(ScalarOp::maximum, {row, l.integer(0)}, DType::i64);
  row = l.apply(ScalarOp::minimum, {row, l.integer(table.shape[0] - 1)}, DType::i64);
  Index index{IndexExpr::computed(row)};
  index.insert(index.end(), row_begin, at.end());
  return index;
}

void for_each_row_element(const Tensor &table, const Tensor &indices,
                          const std::function<void(int64_t, int64_t)> &visit) {
  int64_t rows = table.type.shape[0], length = table.type.elements() / rows;
  for (int64_t i = 0; i < indices.type.elements(); ++i) {
    int64_t row = std::clamp<int64_t>(indices.integers[static_cast<size_t>(i)], 0, rows - 1);
    for (int64_t k = 0; k < length; ++k)
      visit(i * length + k, row * length + k);
  }
}

} // namespace gradc
