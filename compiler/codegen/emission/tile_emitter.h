// Evaluates the expressions of a kernel for the vectors of a register tile.
#pragma once

#include "compiler/codegen/emission/emit_access.h"
#include "compiler/codegen/emission/emit_scalar.h"
#include "compiler/codegen/schedules/loop_schedule.h"

#include <map>
#include <set>

namespace gradc {

/// Which points the vectors of a tile stand for. Vector (row, col) begins `row` points along row_axis and `col` *
/// col_step points along col_axis from the current base of the axes; its lanes are consecutive points along lane_axis.
/// In a masked vector only the first `active` lanes are points at all.
struct TileView {
  int row_axis = -1, col_axis = -1, lane_axis = -1;
  int64_t col_step = 1;
  int cols = 1;
  int lanes = 1;
  int active = 1;
  bool mask_all = false; // every column is masked (the tail of a dot loop), not only the last
  bool masked(int col) const { return active < lanes && (mask_all || col == cols - 1); }
};

/// Values in the kernel's own memory: those of a stage, or the packed copy of an operand. They belong to the whole
/// axis, to the current tile (tile_relative), or to the current iteration of a shared loop (counted_axis).
struct LocalBuffer {
  llvm::Value *memory = nullptr;
  std::vector<int64_t> strides; // one an axis of the kernel, in elements
  bool tile_relative = false;   // along rows and columns, positions count from the corner of the tile
  int counted_axis = -1;        // along this axis, positions count from `counted_from`
  llvm::Value *counted_from = nullptr;
  int64_t offset = 0;           // of the element where all axes are 0
};

class TileEmitter {
public:
  TileEmitter(llvm::IRBuilder<> &builder, const Kernel &kernel, const Target &target,
              std::vector<llvm::Value *> params);

  TileView view;
  std::vector<llvm::Value *> axis;          // current base value of every axis, i64
  std::map<int, LocalBuffer> locals;        // by stage: where the values of stages computed before are
  std::map<ExprId, LocalBuffer> packed;     // by load: a copy that is read in its place

  /// The value of an expression at (row, col): a scalar where it is the same in all lanes, a vector otherwise. What is
  /// the same at every point of the kernel is computed once, at its entry.
  llvm::Value *eval(ExprId, llvm::Value *row, int col);
  /// The same, always as a vector when the view has lanes.
  llvm::Value *eval_lanes(ExprId, llvm::Value *row, int col);
  llvm::Value *widen(llvm::Value *);
  /// Whether a vector of the expression is read from memory as it is. Where the view has mask_all, such a vector is 0
  /// in the lanes that are no points.
  bool is_read(ExprId) const;
  void store_param(int param, const Index &index, llvm::Value *row, int col, llvm::Value *value, bool accumulate);
  /// Stores two values to elements two apart, the second one element behind the first.
  void store_params_in_turn(int param, const Index &first, llvm::Value *row, int col, llvm::Value *even, llvm::Value *odd);
  /// Whether a stage stores vectors whose elements are two apart; and whether another one stores those between them, so that
  /// store_params_in_turn can store both.
  bool stores_every_second(const Stage &) const;
  bool stores_in_turn(const Stage &even, const Stage &odd) const;
  /// The value of a stage computed before, or computed on the spot when it does not reduce.
  llvm::Value *load_stage(const Expr &read, llvm::Value *row, int col);
  llvm::Value *load_local(const LocalBuffer &, DType, llvm::Value *row, int col);
  void store_local(const LocalBuffer &, DType, llvm::Value *row, int col, llvm::Value *value);
  /// Prefetches the cache line of an element of a load: the one at the current base of every axis, after some axes are
  /// moved by `moves`. Asks to write where the kernel writes it. The address need not be valid.
  void prefetch(ExprId load, const std::map<int, llvm::Value *> &moves);
  /// The address of the element of a load, or of a buffer, at the current base of every axis.
  llvm::Value *pointer(ExprId load);
  llvm::Value *pointer(const LocalBuffer &, DType);
  llvm::Value *mask(int col); // of the lanes that are points; null when all are
  llvm::Value *lane_numbers();

  /// Values computed between the two calls are not used again afterwards: the code that computes them may not run.
  void open_scope() { scopes_.emplace_back(); }
  void close_scope() { scopes_.pop_back(); }

private:
  llvm::Value *read(llvm::Value *base, DType, const Address &, int col, bool masked);
  Address address(const FlatAccess &, llvm::Value *row, int col);
  Address address(const LocalBuffer &, llvm::Value *row, int col);
  LocalBuffer read_at(LocalBuffer, const Stage &, const Index &) const;
  llvm::Value *load(const Expr &, llvm::Value *row, int col);
  llvm::Value *pad_vector(llvm::Constant *pad); // address of a vector of pads, with as many as the view has lanes
  llvm::Value *index_value(const IndexExpr &, llvm::Value *row, int col);
  llvm::Value *index_sum(const IndexExpr &, llvm::Value *row, int col, bool wide); // unless wide, of lane 0 only
  llvm::Value *random_words(const Expr &, llvm::Value *row, int col);
  struct Bounds {
    llvm::Value *all = nullptr;   // whether the indices that are the same in all lanes are inside; null: there are none
    llvm::Value *lanes = nullptr; // lane by lane, whether the other indices are; null: there are none
  };
  Bounds bounds(const Expr &, llvm::Value *row, int col);
  llvm::Value *apply(const Expr &, llvm::Value *row, int col);
  llvm::Value *compute(const Expr &, llvm::Value *row, int col);
  llvm::Value *position(int axis, llvm::Value *row, int col); // the index along the axis, of lane 0
  int existing(int col) const; // how many lanes are points
  bool depends(ExprId, int axis);
  bool depends(const IndexExpr &, int axis);
  bool invariant(ExprId);
  llvm::Value *i64(int64_t v) { return b_.getInt64(static_cast<uint64_t>(v)); }

  llvm::IRBuilder<> &b_;
  const Kernel &k_;
  const Target &target_;
  std::vector<llvm::Value *> params_;
  llvm::BasicBlock *entry_; // of the kernel
  AxisSets axes_;
  std::map<ExprId, bool> invariant_;
  std::map<llvm::Constant *, llvm::GlobalVariable *> pads_;
  using Key = std::tuple<ExprId, llvm::Value *, int, int, int>; // expression, row, col, lane axis, masked
  std::vector<std::map<Key, llvm::Value *>> scopes_;
};

} // namespace gradc
