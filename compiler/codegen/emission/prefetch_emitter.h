// Prefetches: while a product is summed, the cache lines that its nest will read soon are asked for.
#pragma once

#include "compiler/codegen/emission/reduction_emitter.h"

namespace gradc {

/// Works for one nest. Asks for what its tiles will read and no near cache holds, a few lines in every round of the product's
/// innermost loop: asking for all at once would keep the product's own loads waiting. There are two such things:
/// - What the epilogue of the tile reads, such as the state that an optimizer updates. (Not for tiles of one row, whose
///   reads are consecutive: the processor fetches those ahead by itself.)
/// - What the next block of columns will be packed from. (For packed rows it was tried and gains nothing.)
class PrefetchEmitter {
public:
  PrefetchEmitter(llvm::IRBuilder<> &builder, const Kernel &kernel, const Target &target, TileEmitter &tile,
                  const NestSchedule &nest);

  /// A condition: whether the thread packs another block after this one. Null: it never does.
  llvm::Value *more_blocks = nullptr;
  /// What to do in each round of `product`, for a tile of rows x cols that computes `stages`; empty where there is
  /// nothing.
  ReductionEmitter::Meanwhile during(const Stage &product, const std::vector<int> &stages, int rows, int cols) const;

private:
  bool asks_for_blocks(int term) const;
  void next_block(int term, llvm::Value *round, llvm::Value *follows) const;
  std::vector<ExprId> streams(const std::vector<int> &stages) const;
  int64_t bytes(ExprId load) const; // the size of the whole tensor
  bool is_far(int64_t bytes) const { return bytes > target_.l2_bytes / 2; } // too large to stay in a near cache
  int64_t extent(int axis) const { return k_.axes[static_cast<size_t>(axis)].extent; }
  llvm::Value *i64(int64_t v) const { return b_.getInt64(static_cast<uint64_t>(v)); }

  llvm::IRBuilder<> &b_;
  const Kernel &k_;
  const Target &target_;
  TileEmitter &tile_;
  const NestSchedule &n_;
};

} // namespace gradc
