// Emits prefetches into the loop of a contraction, for the memory that its nest will read soon.
#pragma once

#include "compiler/codegen/emission/reduction_emitter.h"

namespace gradc {

/// Works for one nest. It prefetches what the nest will read and what is too large to be in a near cache. Every round of the
/// contraction's innermost loop prefetches a few cache lines: all at once would delay the loads of the contraction itself.
/// Two things are prefetched:
/// - What the epilogue of the tile reads, such as the state that an optimizer updates. A tile of a single row is left out: it
///   reads consecutive elements, which the processor prefetches by itself.
/// - The operand that the next block of columns will be packed from. Prefetching for packed rows was measured to gain nothing.
class PrefetchEmitter {
public:
  PrefetchEmitter(llvm::IRBuilder<> &builder, const Kernel &kernel, const Target &target, TileEmitter &tile,
                  const NestSchedule &nest);

  /// An i1 of the emitted code: the thread packs another block after the current one. Null if there is never another.
  llvm::Value *more_blocks = nullptr;
  /// What the emitter of `product` shall emit in each round of its loop, for a tile of rows x cols that computes `stages`.
  /// Empty if there is nothing to prefetch.
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
