// Loops, and the reductions of a register tile.
#pragma once

#include "compiler/codegen/emission/cut_sums.h"
#include "compiler/codegen/emission/tile_emitter.h"

#include <functional>

namespace gradc {

class ReductionEmitter {
public:
  ReductionEmitter(llvm::IRBuilder<> &builder, const Kernel &kernel, const Target &target, TileEmitter &tile,
                   llvm::Function *function)
      : b_(builder), k_(kernel), target_(target), tile_(tile), function_(function) {}

  llvm::Function *function() const { return function_; }

  /// for (i = begin; i < end; i += step) body(i). Opens a scope of the tile emitter for the body.
  void loop(llvm::Value *begin, llvm::Value *end, int64_t step, const std::function<void(llvm::Value *)> &body);
  /// if (condition) body(). Opens a scope likewise.
  void when(llvm::Value *condition, const std::function<void()> &body);

  /// Memory in the frame of the kernel.
  llvm::AllocaInst *local(llvm::Type *, const std::string &name);

  /// Computes the reduction of stage `s` for every point of the tile, always combining the terms in the same order. The
  /// result is a buffer over the positions in the tile. `meanwhile` emits what each round of the innermost loop does
  /// besides; it is used where the lanes do not run along the reduction.
  using Meanwhile = std::function<void(llvm::Value *round)>;
  LocalBuffer run(const NestSchedule &, int s, int rows, int cols, int active, const Meanwhile &meanwhile = {});
  /// Nothing reads the result of a run any more: other tiles may have its memory, so that a frame has the size of the largest
  /// tile and not of all.
  void forget(const LocalBuffer &);
  /// The result of the last run of stage `s`, under the tile emitter's current view.
  llvm::Value *result(int s, llvm::Value *row, int col);

private:
  struct Accumulator {
    llvm::AllocaInst *value;
    llvm::AllocaInst *position = nullptr; // argmax only
  };
  std::vector<SumLoop> sum_loops(const NestSchedule &, const Stage &) const;
  void loops(const std::vector<SumLoop> &, size_t number, int points, const std::function<void(int chain)> &body);
  void cut_loop(const SumLoop &, size_t cut, llvm::Value *begin, llvm::Value *end, const std::function<void()> &body);
  void chained_round(int axis, int points, const std::function<void(int chain)> &body);
  void rest_of_rounds(const SumLoop &, int points, const std::function<void(int chain)> &body);
  void begin_totals(int levels, llvm::Type *);
  void add_to_total(int level);
  void end_totals();
  void combine_point(const Stage &, int rows, int cols, int chain);
  int chains(const NestSchedule &, const Stage &, int sums) const;
  void join_chains(const Stage &, int points);
  void combine(const Stage &, Accumulator &, llvm::Value *row, int col);
  llvm::Value *term_identity(const Stage &, llvm::Type *);
  std::vector<llvm::Value *> sum_lanes(const Stage &, std::vector<llvm::Value *> vectors);
  llvm::Value *argmax_lanes(llvm::Value *values, llvm::Value *positions);
  llvm::Value *better(llvm::Value *value, llvm::Value *best);
  int64_t extent_of(int axis) const { return k_.axes[static_cast<size_t>(axis)].extent; }
  DType term_dtype(const Stage &s) const { return k_.expr(s.body).dtype; }
  llvm::Value *i64(int64_t v) { return b_.getInt64(static_cast<uint64_t>(v)); }

  llvm::IRBuilder<> &b_;
  const Kernel &k_;
  const Target &target_;
  TileEmitter &tile_;
  llvm::Function *function_;
  std::vector<Accumulator> accumulators_; // [chains][rows][cols] of the running reduction
  std::vector<std::vector<llvm::AllocaInst *>> totals_; // by level (see cut_sums.h): one for each accumulator
  int chains_ = 1; // how many partial results of each reduction advance side by side (see kChains)
};

} // namespace gradc
