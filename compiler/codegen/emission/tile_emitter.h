// Evaluates the expressions of a kernel for the vectors of a register tile.
#pragma once

#include "compiler/codegen/emission/emit_access.h"
#include "compiler/codegen/emission/emit_scalar.h"
#include "compiler/codegen/schedules/loop_schedule.h"

#include <map>
#include <set>

namespace gradc {

/// Where the elements of vector (row, col) lie: `row` steps along row_axis, `col` steps of col_step along col_axis, lanes
/// along lane_axis. Only the first `active` lanes of a masked vector exist.
struct TileView {
  int row_axis = -1, col_axis = -1, lane_axis = -1;
  int64_t col_step = 1;
  int cols = 1;
  int lanes = 1;
  int active = 1;
  bool mask_all = false; // every column is masked (the tail of a dot loop), not only the last
  bool masked(int col) const { return active < lanes && (mask_all || col == cols - 1); }
};

/// Values in memory of the kernel: a stage's, of the tile or of the shared iteration, or an operand's that was packed.
struct LocalBuffer {
  llvm::Value *memory = nullptr;
  std::vector<int64_t> strides; // one an axis of the kernel, in elements
  bool tile_relative = false;   // along rows and columns, the position in the tile counts
  int counted_axis = -1;        // along this one, the distance from `counted_from`
  llvm::Value *counted_from = nullptr;
};

class TileEmitter {
public:
  TileEmitter(llvm::IRBuilder<> &builder, const Kernel &kernel, const Target &target,
              std::vector<llvm::Value *> params);

  TileView view;
  std::vector<llvm::Value *> axis;          // current base value of every axis, i64
  std::map<int, LocalBuffer> locals;        // of stages computed before
  std::map<ExprId, LocalBuffer> packed;     // copies of loads, to be read instead

  /// The value of an expression at (row, col): a scalar where it is the same in all lanes, a vector otherwise. What is
  /// the same at every point of the kernel is computed once, at its entry.
  llvm::Value *eval(ExprId, llvm::Value *row, int col);
  /// The same, always as a vector when the view has lanes.
  llvm::Value *eval_lanes(ExprId, llvm::Value *row, int col);
  llvm::Value *widen(llvm::Value *);
  /// Whether a vector of the expression comes from memory as it is. With mask_all, lanes that do not exist are zero then.
  bool is_read(ExprId) const;
  void store_param(int param, const Index &index, llvm::Value *row, int col, llvm::Value *value, bool accumulate);
  /// The value of a stage computed before, or computed on the spot when it does not reduce.
  llvm::Value *load_stage(int stage, DType, llvm::Value *row, int col);
  llvm::Value *load_local(const LocalBuffer &, DType, llvm::Value *row, int col);
  void store_local(const LocalBuffer &, DType, llvm::Value *row, int col, llvm::Value *value);
  /// Asks for the line of the element of a load that belongs to the current base of every axis, some of them moved by so
  /// much; to write it where the kernel does. Harmless where there is no memory.
  void prefetch(ExprId load, const std::map<int, llvm::Value *> &moves);
  /// Where the element of a load, or of a buffer, is that belongs to the current base of every axis.
  llvm::Value *pointer(ExprId load);
  llvm::Value *pointer(const LocalBuffer &, DType);
  llvm::Value *mask(int col); // null when all lanes exist
  llvm::Value *lane_numbers();

  /// Values computed between the two are forgotten: they do not dominate what follows.
  void open_scope() { scopes_.emplace_back(); }
  void close_scope() { scopes_.pop_back(); }

private:
  Address address(const FlatAccess &, llvm::Value *row, int col);
  Address address(const LocalBuffer &, llvm::Value *row, int col);
  llvm::Value *load(const Expr &, llvm::Value *row, int col);
  llvm::Value *pad_vector(llvm::Constant *pad); // in memory, as many as the view has lanes
  llvm::Value *index_value(const IndexExpr &, llvm::Value *row, int col);
  llvm::Value *index_sum(const IndexExpr &, llvm::Value *row, int col, bool wide); // not wide: lane 0
  llvm::Value *random_words(const Expr &, llvm::Value *row, int col);
  struct Bounds {
    llvm::Value *all = nullptr;   // of the dims whose index is the same in all lanes; null: none
    llvm::Value *lanes = nullptr; // of the others
  };
  Bounds bounds(const Expr &, llvm::Value *row, int col);
  llvm::Value *apply(const Expr &, llvm::Value *row, int col);
  llvm::Value *compute(const Expr &, llvm::Value *row, int col);
  llvm::Value *position(int axis, llvm::Value *row, int col); // of lane 0
  int existing(int col) const; // lanes
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
