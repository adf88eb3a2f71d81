// Copies the operands of a contraction into memory of the kernel ("packs" them), in the order in which its tiles read them.
#pragma once

#include "compiler/codegen/emission/reduction_emitter.h"

namespace gradc {

/// Works for one nest. A panel has what one tile reads: for every term of the reduction, one after the other, a row of whole
/// vectors. For example, for acc(i,j) = sum p: x(i,p)*w(p,j) and column tiles of 16 elements, a panel of `w` has w(0, j..j+15),
/// then w(1, j..j+15), and so on.
class PackEmitter {
public:
  /// `panels` is memory for what is packed along the columns, `row_panels` along the rows; null where nothing is.
  PackEmitter(llvm::IRBuilder<> &builder, const Kernel &kernel, TileEmitter &tile, ReductionEmitter &reduction,
              const NestSchedule &nest, llvm::Value *panels, llvm::Value *row_panels);

  /// Copies into panels what the tiles of the next `points` columns read; the first is at the current value of the column axis.
  void pack_cols(int64_t points);
  /// Has the tiles that are emitted from here on read the panel that begins `offset` columns after the first packed one.
  void select_panel(llvm::Value *offset);
  /// Copies what `tiles` tiles of `points` rows each read; the first begins at the current value of the row axis.
  void pack_rows(llvm::Value *tiles, int64_t points);
  /// Has the tiles that are emitted from here on read the panel of this one of the tiles packed last, counted from 0.
  void select_rows(llvm::Value *number);

private:
  LocalBuffer layout(llvm::Value *memory, int axis, int64_t width) const;
  LocalBuffer row_panel(llvm::Value *number);
  /// Emits `body` for each tile of `size` points, with the tile's first point and its size: a loop over the whole tiles, then
  /// one shorter tile for what remains of `points`.
  void each_tile(int64_t points, int64_t size, const std::function<void(llvm::Value *first, int64_t points)> &body);
  void copy(ExprId load, const LocalBuffer &, int axis, int64_t points);
  void copy_vectors(ExprId load, const LocalBuffer &, int axis, int64_t points);
  void transpose(ExprId load, const LocalBuffer &, int axis, int along, int64_t points);
  /// Emits `body` inside loops over all reduction axes except `without` (-1: over all).
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
