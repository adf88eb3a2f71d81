// Copies of the operands of a contraction, laid out in the order in which its tiles read them.
#pragma once

#include "compiler/codegen/emission/reduction_emitter.h"

namespace gradc {

/// Works for one nest. Panels hold what one column tile reads, term after term of the reduction, whole vectors.
class PackEmitter {
public:
  /// `panels` is memory for what is packed along the columns, `row_panels` along the rows; null where nothing is.
  PackEmitter(llvm::IRBuilder<> &builder, const Kernel &kernel, TileEmitter &tile, ReductionEmitter &reduction,
              const NestSchedule &nest, llvm::Value *panels, llvm::Value *row_panels);

  /// Copies what `points` columns from the current base of the column axis read, into panels.
  void pack_cols(int64_t points);
  /// From now on tiles read the panel of the columns `offset` points after the first packed one.
  void select_panel(llvm::Value *offset);
  /// Copies what so many tiles of `points` rows read, the first of which begins at the current base of the row axis.
  void pack_rows(llvm::Value *tiles, int64_t points);
  /// From now on tiles read the copy of the rows of this one of the tiles packed last.
  void select_rows(llvm::Value *number);

private:
  LocalBuffer layout(llvm::Value *memory, int axis, int64_t width) const;
  LocalBuffer row_panel(llvm::Value *number);
  /// Runs body for the tiles of `points`, with where one begins: the whole ones in a loop, then what remains.
  void each_tile(int64_t points, int64_t size, const std::function<void(llvm::Value *first, int64_t points)> &body);
  void copy(ExprId load, const LocalBuffer &, int axis, int64_t points);
  void copy_vectors(ExprId load, const LocalBuffer &, int axis, int64_t points);
  void transpose(ExprId load, const LocalBuffer &, int axis, int along, int64_t points);
  /// Runs body for every point of the reduction axes, but for `without`.
  void each_term(int without, size_t level, const std::function<void()> &body);
  int unit_stride_axis(ExprId load) const;

  llvm::Type *element(ExprId load) { return memory_type(b_.getContext(), k_.expr(load).dtype); }
  llvm::Value *moved(ExprId load, llvm::Value *memory, llvm::Value *elements) {
    return b_.CreateInBoundsGEP(element(load), memory, elements);
  }
  int64_t extent(int axis) const { return k_.axes[static_cast<size_t>(axis)].extent; }
  llvm::Value *i64(int64_t v) { return b_.getInt64(static_cast<uint64_t>(v)); }

  llvm::IRBuilder<> &b_;
  const Kernel &k_;
  TileEmitter &tile_;
  ReductionEmitter &reduction_;
  const NestSchedule &n_;
  std::vector<int> reduce_;
  int64_t terms_, row_width_;
  llvm::Value *panels_, *row_panels_;
};

} // namespace gradc
