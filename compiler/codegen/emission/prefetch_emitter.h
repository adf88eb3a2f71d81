// Lines that a nest will want soon, asked for while a product is summed.
#pragma once

#include "compiler/codegen/emission/reduction_emitter.h"

namespace gradc {

/// Works for one nest. What its tiles will read and no near cache holds, a few lines in every round of the product: all at
/// once would keep the product's own loads waiting.
/// - What the epilogue of the tile reads, as the state that an optimizer updates. Tiles of one row are streams themselves.
/// - What the next block of columns will be packed from. For packed rows it gains nothing.
class PrefetchEmitter {
public:
  PrefetchEmitter(llvm::IRBuilder<> &builder, const Kernel &kernel, const Target &target, TileEmitter &tile,
                  const NestSchedule &nest);

  /// Whether the thread packs another block after this one; null: no.
  llvm::Value *more_blocks = nullptr;
  /// For a tile of rows x cols, whose product is one of `stages`.
  ReductionEmitter::Meanwhile during(const Stage &product, const std::vector<int> &stages, int rows, int cols) const;

private:
  bool asks_for_blocks(int term) const;
  void next_block(int term, llvm::Value *round) const;
  std::vector<ExprId> streams(const std::vector<int> &stages) const;
  int64_t bytes(ExprId load) const; // of the tensor
  bool is_far(int64_t bytes) const { return bytes > target_.l2_bytes / 2; } // beyond the near caches
  int64_t extent(int axis) const { return k_.axes[static_cast<size_t>(axis)].extent; }
  llvm::Value *i64(int64_t v) const { return b_.getInt64(static_cast<uint64_t>(v)); }

  llvm::IRBuilder<> &b_;
  const Kernel &k_;
  const Target &target_;
  TileEmitter &tile_;
  const NestSchedule &n_;
};

} // namespace gradc
