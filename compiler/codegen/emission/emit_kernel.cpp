#include "compiler/codegen/emission/emit_kernel.h"

#include "compiler/codegen/emission/pack_emitter.h"
#include "compiler/codegen/emission/prefetch_emitter.h"
#include "compiler/codegen/schedules/local_memory.h"
#include "ir/error.h"

#include <algorithm>
#include <functional>

namespace gradc {
namespace {

constexpr int kUnrolledRowOps = 40; // a tile's epilogue is unrolled over its rows up to this many operations

class KernelEmitter {
public:
  KernelEmitter(llvm::Module &module, const Kernel &kernel, const LoopSchedule &schedule, const Target &target)
      : b_(module.getContext()), k_(kernel), schedule_(schedule), target_(target), module_(module),
        memory_(local_memory(kernel, schedule)) {}

  llvm::Function *run(const std::string &name, const std::vector<size_t> &places);

private:
  using Body = std::function<void()>;
  struct Tile {
    int rows = 1, cols = 1, active = 1;
  };
  struct Range { // which iterations of the outermost loop this call of the kernel runs; null: all
    llvm::Value *begin = nullptr, *end = nullptr;
  };
  struct Span { // the part of an axis that a loop works through
    llvm::Value *base;
    int64_t points;
  };
  // One tile of an axis. `number` is its number; the tiles [from, to) have as many points as it. Null: there is no other.
  struct Iteration {
    int64_t points;
    llvm::Value *number = nullptr, *from = nullptr, *to = nullptr;
  };

  llvm::Value *reserve(const LocalPiece &, const std::string &name);
  void reserve_local_memory();
  void shared_loops(size_t level);
  void nest(const NestSchedule &, Range);
  void levels(const NestSchedule &, size_t level, Tile, Range);
  void inside(const NestSchedule &, const LoopLevel &, const Iteration &, Tile &);
  void pack_rows(const NestSchedule &, const Iteration &);
  void tiled_level(const LoopLevel &, Span, Range, const std::function<void(const Iteration &)> &body);
  void tile(const NestSchedule &, Tile);
  void compute(const NestSchedule &, const std::vector<int> &stages, Tile);
  void compute_beside(const NestSchedule &, const std::vector<int> &stages, Tile);
  void finish(const NestSchedule &, const std::vector<int> &stages, Tile, llvm::Value *row);
  int finish_cost(const std::vector<int> &stages) const;
  int64_t extent(int axis) const { return k_.axes[static_cast<size_t>(axis)].extent; }
  const Stage &stage(int s) const { return k_.stages[static_cast<size_t>(s)]; }
  llvm::Value *i64(int64_t v) { return b_.getInt64(static_cast<uint64_t>(v)); }

  llvm::IRBuilder<> b_;
  const Kernel &k_;
  const LoopSchedule &schedule_;
  const Target &target_;
  llvm::Module &module_;
  const LocalMemory memory_;
  std::unique_ptr<TileEmitter> tile_;
  std::unique_ptr<ReductionEmitter> reduction_;
  std::unique_ptr<PackEmitter> pack_; // this and the next two belong to the current nest
  std::unique_ptr<PrefetchEmitter> prefetch_;
  std::vector<LoopLevel> levels_;
  std::map<int, Span> spans_;         // by axis, where an outer loop has cut it already: shared rows, blocks of columns
  std::map<int, LocalBuffer> handed_over_; // by stage: the values that a later nest reads
  std::vector<std::pair<llvm::Value *, llvm::Value *>> panels_; // of each nest: for columns, for rows
};

llvm::Value *KernelEmitter::reserve(const LocalPiece &piece, const std::string &name) {
  if (piece.bytes == 0)
    return nullptr;
  if (piece.offset < 0)
    return reduction_->local(llvm::ArrayType::get(b_.getInt8Ty(), static_cast<uint64_t>(piece.bytes)), name);
  return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), reduction_->function()->getArg(1), static_cast<uint64_t>(piece.offset),
                                       name);
}

void KernelEmitter::reserve_local_memory() {
  for (const auto &[number, piece] : memory_.handed_over) {
    const Stage &s = stage(number);
    handed_over_[number] = {reserve(piece, s.name), handed_over_layout(k_, s, schedule_).strides};
  }
  for (const LocalMemory::Nest &n : memory_.nests)
    panels_.emplace_back(reserve(n.cols, "packed"), reserve(n.rows, "packed"));
}

void KernelEmitter::shared_loops(size_t level) {
  if (level == schedule_.shared.size()) {
    for (const NestSchedule &n : schedule_.nests)
      nest(n, {});
    return;
  }
  const LoopLevel loop = schedule_.shared_loop(level);
  Range range;
  if (level == 0)
    range = {reduction_->function()->getArg(2), reduction_->function()->getArg(3)};
  tiled_level(loop, {i64(0), extent(loop.axis)}, range, [&](const Iteration &at) {
    llvm::Value *first = tile_->axis[static_cast<size_t>(loop.axis)];
    spans_[loop.axis] = {first, at.points};
    for (auto &[s, buffer] : handed_over_) { // no harm to buffers that have no stride along the axis
      buffer.counted_axis = loop.axis;
      buffer.counted_from = first;
    }
    shared_loops(level + 1);
  });
}

void KernelEmitter::nest(const NestSchedule &n, Range range) {
  levels_ = loop_levels(n);
  const auto [cols, rows] = panels_[static_cast<size_t>(&n - schedule_.nests.data())];
  pack_ = std::make_unique<PackEmitter>(b_, k_, *tile_, *reduction_, n, cols, rows);
  prefetch_ = std::make_unique<PrefetchEmitter>(b_, k_, target_, *tile_, n);
  tile_->open_scope();
  levels(n, 0, {1, n.cols, n.lanes}, range);
  tile_->close_scope();
  tile_->packed.clear();
  for (int s = n.first; s < n.first + n.count; ++s) // only now: within the nest, a tile must not take them for complete
    if (handed_over_.contains(s))
      tile_->locals[s] = handed_over_[s];
}

// Emits loop number `number` of the nest with all it surrounds. `range` belongs to the outermost loop of more than one
// iteration, and is handed on to there.
void KernelEmitter::levels(const NestSchedule &n, size_t number, Tile size, Range range) {
  if (number == levels_.size()) {
    tile(n, size);
    return;
  }
  const LoopLevel level = levels_[number];
  const auto outer = spans_.find(level.axis);
  const Span span = outer != spans_.end() ? outer->second : Span{i64(0), extent(level.axis)};
  auto body = [&](const Iteration &at, Range inner) {
    Tile t = size;
    inside(n, level, at, t);
    levels(n, number + 1, t, inner);
    if (level.kind == LoopLevel::Kind::block)
      spans_.erase(level.axis);
  };
  if (span.points <= level.step) {
    tile_->axis[static_cast<size_t>(level.axis)] = span.base;
    body({span.points}, range);
  } else {
    tiled_level(level, span, range, [&](const Iteration &at) { body(at, {}); });
  }
}

// Emits what a loop's body begins with, and notes in `t` how large the tile is.
void KernelEmitter::inside(const NestSchedule &n, const LoopLevel &level, const Iteration &at, Tile &t) {
  llvm::Value *base = tile_->axis[static_cast<size_t>(level.axis)];
  switch (level.kind) {
  case LoopLevel::Kind::points: return;
  case LoopLevel::Kind::block:
    spans_[level.axis] = {base, at.points};
    pack_->pack_cols(at.points);
    if (at.number)
      prefetch_->more_blocks = b_.CreateICmpSLT(b_.CreateNSWAdd(at.number, i64(1)), at.to);
    return;
  case LoopLevel::Kind::rows:
    t.rows = static_cast<int>(at.points);
    if (n.packed_rows >= 0)
      pack_rows(n, at);
    return;
  case LoopLevel::Kind::cols:
    t.cols = static_cast<int>(n.is_dot() ? at.points : (at.points + n.lanes - 1) / n.lanes);
    if (!n.is_dot())
      t.active = static_cast<int>(at.points - int64_t{t.cols - 1} * n.lanes);
    if (n.block > 0)
      pack_->select_panel(b_.CreateNSWSub(base, spans_.at(level.axis).base));
    return;
  }
}

// Packs, before every `group`-th tile of the loop over row tiles, what this and the next group - 1 of them read.
void KernelEmitter::pack_rows(const NestSchedule &n, const Iteration &at) {
  if (!at.number || n.group == 1) {
    pack_->pack_rows(i64(1), at.points);
    pack_->select_rows(i64(0));
    return;
  }
  llvm::Value *done = b_.CreateNSWSub(at.number, at.from);
  llvm::Value *slot = b_.CreateURem(done, i64(n.group));
  reduction_->when(b_.CreateICmpEQ(slot, i64(0)), [&] {
    llvm::Value *left = b_.CreateNSWSub(at.to, at.number);
    pack_->pack_rows(b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, left, i64(n.group)), at.points);
  });
  pack_->select_rows(slot);
}

// Emits a loop over the large tiles of an axis, then one over the small ones.
void KernelEmitter::tiled_level(const LoopLevel &level, Span span, Range range,
                                const std::function<void(const Iteration &)> &body) {
  const Tiling tiles = level.cut(span.points);
  const size_t a = static_cast<size_t>(level.axis);
  auto run = [&](int64_t first, int64_t count, int64_t start, int64_t points) { // tiles [first, first + count)
    // Where tile 0 would begin if all tiles had as many points as these.
    llvm::Value *base = b_.CreateNSWAdd(span.base, i64(start - first * points));
    llvm::Value *from = i64(first), *to = i64(first + count);
    auto at = [&](llvm::Value *number) {
      tile_->axis[a] = b_.CreateNSWAdd(base, b_.CreateNSWMul(number, i64(points)));
      body({points, number, from, to});
    };
    if (range.begin) {
      from = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, range.begin, from);
      to = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, range.end, to);
    }
    if (range.begin || count > 1) {
      reduction_->loop(from, to, 1, at);
    } else if (count == 1) {
      tile_->open_scope();
      at(from);
      tile_->close_scope();
    }
  };
  if (tiles.large > 0)
    run(0, tiles.large, 0, tiles.step);
  if (tiles.small > 0)
    run(tiles.large, tiles.small, tiles.large * tiles.step, tiles.rest);
}

int KernelEmitter::finish_cost(const std::vector<int> &stages) const {
  std::set<ExprId> seen;
  std::function<void(ExprId)> visit = [&](ExprId id) {
    if (seen.insert(id).second)
      for (ExprId arg : k_.expr(id).args)
        visit(arg);
  };
  int cost = 0;
  for (int s : stages)
    if (stage(s).reduce.empty())
      visit(stage(s).body);
  for (ExprId id : seen) {
    const Expr &e = k_.expr(id);
    bool costly = e.kind == Expr::Kind::op && row_of(e.op).cost != ScalarCost::simple;
    cost += costly ? 20 : 1;
  }
  return cost;
}

void KernelEmitter::tile(const NestSchedule &n, Tile t) {
  std::vector<int> stages, beside;
  for (int s = n.first; s < n.first + n.count; ++s) {
    (stage(s).axes == n.axes ? stages : beside).push_back(s);
    tile_->locals.erase(s); // what is stored there belongs to another tile
  }
  compute(n, stages, t);
  if (!beside.empty())
    compute_beside(n, beside, t);
}

// Computes the stages beside a product, which have only some of its axes: for the columns of the tile, once, where the
// tile is the first along all axes that these stages do not have.
void KernelEmitter::compute_beside(const NestSchedule &n, const std::vector<int> &stages, Tile t) {
  int64_t first_rows = n.row_axis < 0 ? 1 : extent(n.row_axis);
  for (const LoopLevel &level : levels_)
    if (level.axis == n.row_axis)
      first_rows = level.cut(first_rows).first();
  if (t.rows != first_rows)
    return;
  llvm::Value *first = b_.getTrue();
  const std::vector<int> &axes = stage(stages[0]).axes;
  for (int a : n.axes)
    if (std::find(axes.begin(), axes.end(), a) == axes.end())
      first = b_.CreateAnd(first, b_.CreateICmpEQ(tile_->axis[static_cast<size_t>(a)], i64(0)));
  t.rows = 1;
  reduction_->when(first, [&] { compute(n, stages, t); });
}

// Computes stages for one register tile: the reductions first, then row by row what is stored.
void KernelEmitter::compute(const NestSchedule &n, const std::vector<int> &stages, Tile t) {
  tile_->open_scope();
  for (int s : stages)
    if (!stage(s).reduce.empty())
      tile_->locals[s] = reduction_->run(n, s, t.rows, t.cols, t.active, prefetch_->during(stage(s), stages, t.rows, t.cols));
  bool unroll = finish_cost(stages) * t.rows * t.cols <= kUnrolledRowOps || t.rows == 1;
  if (unroll) {
    for (int r = 0; r < t.rows; ++r)
      finish(n, stages, t, i64(r));
  } else {
    reduction_->loop(i64(0), i64(t.rows), 1, [&](llvm::Value *row) { finish(n, stages, t, row); });
  }
  tile_->close_scope();
  for (int s : stages)
    if (auto found = tile_->locals.find(s); found != tile_->locals.end()) {
      reduction_->forget(found->second);
      tile_->locals.erase(found);
    }
}

// Stores one row of the tile. All values are computed before any is stored: a result may replace an operand in place.
void KernelEmitter::finish(const NestSchedule &n, const std::vector<int> &stages, Tile t, llvm::Value *row) {
  tile_->open_scope();
  bool dot = n.is_dot();
  int lanes = dot ? t.cols : n.lanes;
  tile_->view = {.row_axis = n.row_axis, .col_axis = n.col_axis, .lane_axis = lanes > 1 ? n.col_axis : -1,
                 .col_step = lanes, .cols = dot ? 1 : t.cols, .lanes = lanes, .active = dot ? lanes : t.active};
  struct Pending {
    int stage, col;
    llvm::Value *value;
  };
  std::vector<Pending> pending;
  for (int s : stages) {
    bool needed = stage(s).store >= 0 || handed_over_.contains(s);
    for (int col = 0; needed && col < tile_->view.cols; ++col) {
      llvm::Value *value = stage(s).reduce.empty() ? tile_->eval_lanes(stage(s).body, row, col)
                                                   : tile_->widen(reduction_->result(s, row, col));
      pending.push_back({s, col, value});
    }
  }
  std::set<const Pending *> stored; // together with another
  for (const Pending &even : pending) {
    const Stage &st = stage(even.stage);
    if (!tile_->stores_every_second(st))
      continue;
    const auto odd = std::find_if(pending.begin(), pending.end(), [&](const Pending &other) {
      return other.col == even.col && tile_->stores_in_turn(st, stage(other.stage));
    });
    if (odd == pending.end())
      continue;
    tile_->store_params_in_turn(st.store, st.store_index, row, even.col, even.value, odd->value);
    stored.insert({&even, &*odd});
  }
  for (const Pending &p : pending) {
    const Stage &st = stage(p.stage);
    if (st.store >= 0 && !stored.contains(&p))
      tile_->store_param(st.store, st.store_index, row, p.col, p.value, st.accumulate);
    if (auto it = handed_over_.find(p.stage); it != handed_over_.end())
      tile_->store_local(it->second, st.dtype, row, p.col, p.value);
  }
  tile_->close_scope();
}

llvm::Function *KernelEmitter::run(const std::string &name, const std::vector<size_t> &places) {
  llvm::LLVMContext &c = module_.getContext();
  auto *pointer = llvm::PointerType::getUnqual(c);
  llvm::Function *function = declare_kernel(module_, name);
  set_target(*function, target_);
  b_.SetInsertPoint(llvm::BasicBlock::Create(c, "entry", function));
  std::map<size_t, llvm::Value *> args;
  std::vector<llvm::Value *> params;
  for (size_t i = 0; i < k_.params.size(); ++i) {
    auto [arg, fresh] = args.try_emplace(places[i]);
    if (fresh)
      arg->second = b_.CreateLoad(
          pointer, b_.CreateConstInBoundsGEP1_64(pointer, function->getArg(0), places[i]), k_.params[i].name);
    params.push_back(arg->second);
  }
  tile_ = std::make_unique<TileEmitter>(b_, k_, target_, params);
  reduction_ = std::make_unique<ReductionEmitter>(b_, k_, target_, *tile_, function);
  reserve_local_memory();
  if (schedule_.nests.size() == 1)
    nest(schedule_.nests[0], {function->getArg(2), function->getArg(3)});
  else
    shared_loops(0);
  b_.CreateRetVoid();
  return function;
}

} // namespace

llvm::Function *declare_kernel(llvm::Module &module, const std::string &name) {
  llvm::LLVMContext &c = module.getContext();
  llvm::Type *i64 = llvm::Type::getInt64Ty(c);
  auto *pointer = llvm::PointerType::getUnqual(c);
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(c), {pointer, pointer, i64, i64}, false);
  auto *function = llvm::cast<llvm::Function>(module.getOrInsertFunction(name, type).getCallee());
  function->setVisibility(llvm::Function::HiddenVisibility);
  function->setDSOLocal(true);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  function->addParamAttr(1, llvm::Attribute::NoAlias);
  function->addParamAttr(1, llvm::Attribute::getWithAlignment(c, llvm::Align(64)));
  return function;
}

llvm::Function *emit_kernel(llvm::Module &module, const std::string &name, const Kernel &kernel,
                            const std::vector<size_t> &places, const LoopSchedule &schedule, const Target &target) {
  return KernelEmitter(module, kernel, schedule, target).run(name, places);
}

} // namespace gradc
