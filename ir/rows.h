// What gather and scatter_add share: rows of a table, chosen by a tensor of integers.
#pragma once

#include "ir/lowering/lower.h"
#include "ir/op.h"

namespace gradc {

/// Throws Error unless `table` has rows (a first dim that is not empty) and `indices` is of integers.
void check_rows(const Type &table, const Type &indices);
/// The shape of one row of `table` for every element of `indices`: indices.shape + table.shape[1:].
Shape rows_shape(const Type &table, const Type &indices);
/// From an index of rows_shape() to that of the table; operand `indices` of the node picks the row, clamped.
Index row_index(NodeLowering &, const Type &table, int indices, const Index &at);
/// Calls `visit(in_rows, in_table)` for every element of the rows, row-major: its flat position and that in
/// the table.
void for_each_row_element(const Tensor &table, const Tensor &indices,
                          const std::function<void(int64_t in_rows, int64_t in_table)> &visit);

} // namespace gradc
