#include "compiler/codegen/emission/reduction_emitter.h"

#include "compiler/codegen/emission/emit_loop.h"
#include "ir/error.h"

#include <algorithm>
#include <bit>

namespace gradc {

void ReductionEmitter::loop(llvm::Value *begin, llvm::Value *end, int64_t step,
                            const std::function<void(llvm::Value *)> &body) {
  emit_loop(b_, begin, end, step, [&](llvm::Value *i) {
    tile_.open_scope();
    body(i);
    tile_.close_scope();
  });
}

void ReductionEmitter::when(llvm::Value *condition, const std::function<void()> &body) {
  emit_if(b_, condition, [&] {
    tile_.open_scope();
    body();
    tile_.close_scope();
  });
}

llvm::AllocaInst *ReductionEmitter::local(llvm::Type *type, const std::string &name) {
  llvm::BasicBlock &entry = function_->getEntryBlock();
  llvm::IRBuilder<> at(&entry, entry.getFirstInsertionPt());
  auto *memory = at.CreateAlloca(type, nullptr, name);
  memory->setAlignment(llvm::Align(64));
  return memory;
}

llvm::Value *ReductionEmitter::term_identity(const Stage &stage, llvm::Type *type) {
  DType dtype = term_dtype(stage);
  if (stage.combiner == Combiner::sum)
    return llvm::Constant::getNullValue(type);
  if (is_float(dtype))
    return llvm::ConstantFP::getInfinity(type, true);
  unsigned bits = type->getScalarSizeInBits();
  if (dtype == DType::boolean)
    return llvm::Constant::getNullValue(type);
  return llvm::ConstantInt::get(type, llvm::APInt::getSignedMinValue(bits));
}

// A term beats the best so far when it is larger, or NaN where the best is a number.
llvm::Value *ReductionEmitter::better(llvm::Value *value, llvm::Value *best) {
  if (!value->getType()->isFPOrFPVectorTy())
    return b_.CreateICmpSGT(value, best);
  llvm::Value *nan = b_.CreateAnd(b_.CreateFCmpUNO(value, value), b_.CreateFCmpORD(best, best));
  return b_.CreateOr(b_.CreateFCmpOGT(value, best), nan);
}

void ReductionEmitter::combine(const Stage &stage, Accumulator &acc, llvm::Value *row, int col) {
  llvm::Type *type = acc.value->getAllocatedType();
  llvm::Value *old = b_.CreateLoad(type, acc.value);
  // Lanes that are no points must add nothing.
  llvm::Value *mask = tile_.view.mask_all ? tile_.mask(col) : nullptr;
  auto masked = [&](ExprId id) {
    llvm::Value *value = tile_.eval(id, row, col);
    const bool is_zero = stage.combiner == Combiner::sum && value->getType()->isVectorTy() && tile_.is_read(id);
    value = tile_.widen(value);
    return !mask || is_zero ? value : b_.CreateSelect(mask, value, term_identity(stage, value->getType()));
  };
  const Expr &body = k_.expr(stage.body);
  if (sums_products(k_, stage) && is_float(body.dtype)) {
    llvm::Value *x = masked(body.args[0]), *y = masked(body.args[1]);
    b_.CreateStore(emit_fma(b_, target_, x, y, old), acc.value);
    return;
  }
  llvm::Value *term = masked(stage.body);
  DType dtype = term_dtype(stage);
  if (stage.combiner == Combiner::argmax) {
    llvm::Value *position = tile_.axis[static_cast<size_t>(stage.reduce[0])];
    for (size_t i = 1; i < stage.reduce.size(); ++i)
      position = b_.CreateNSWAdd(b_.CreateNSWMul(position, i64(extent_of(stage.reduce[i]))),
                                 tile_.axis[static_cast<size_t>(stage.reduce[i])]);
    position = tile_.widen(position);
    if (tile_.view.lane_axis == stage.reduce.back() && tile_.view.lanes > 1)
      position = b_.CreateNSWAdd(position, tile_.lane_numbers());
    llvm::Value *wins = better(term, old);
    b_.CreateStore(b_.CreateSelect(wins, term, old), acc.value);
    llvm::Value *best = b_.CreateLoad(acc.position->getAllocatedType(), acc.position);
    b_.CreateStore(b_.CreateSelect(wins, position, best), acc.position);
    return;
  }
  ScalarOp op = stage.combiner == Combiner::sum ? ScalarOp::add : ScalarOp::maximum;
  b_.CreateStore(emit_scalar(b_, target_, op, dtype, dtype, {old, term}), acc.value);
}

void ReductionEmitter::combine_point(const Stage &stage, int rows, int cols, int chain) {
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < cols; ++c)
      combine(stage, accumulators_[static_cast<size_t>((chain * rows + r) * cols + c)], i64(r), c);
}

// How many partial results of each of `sums` reductions advance side by side. See kChains for why there are several.
int ReductionEmitter::chains(const NestSchedule &n, const Stage &stage, int sums) const {
  const int lanes = n.is_dot() ? n.lanes : 1;
  if (const FixedSum sum = fixed_sum(k_, stage); n.sums == SumOrder::fixed && sum.partials > 0) {
    const auto groups = static_cast<uint64_t>((extent_of(sum.axis) + lanes - 1) / lanes);
    return std::max(1, std::min(sum.partials / lanes, static_cast<int>(std::bit_ceil(groups))));
  }
  const std::vector<ExprId> terms = expressions_of(k_, stage);
  const bool long_term = std::any_of(terms.begin(), terms.end(), [&](ExprId id) {
    return k_.expr(id).kind == Expr::Kind::op && is_expensive(k_.expr(id).op);
  });
  // The work for a long term, or for other sums, fills the time that an addition takes. And each chain must have two terms,
  // or combining the chains costs what they save.
  if ((!n.is_dot() && !sums_products(k_, stage)) || sums >= kChains || stage.combiner == Combiner::argmax || long_term)
    return 1;
  const int64_t additions = n.is_dot() ? (extent_of(n.lane_axis) + lanes - 1) / lanes : extent_of(stage.reduce.back()) / 2;
  return static_cast<int>(std::clamp<int64_t>(additions, 1, kChains));
}

// Combines the partial results of the chains into those of the first chain: the upper half with the lower until one is left.
void ReductionEmitter::join_chains(const Stage &stage, int points) {
  DType dtype = term_dtype(stage);
  ScalarOp op = stage.combiner == Combiner::sum ? ScalarOp::add : ScalarOp::maximum;
  for (int all = chains_ * points, left; all > points; all = left) {
    left = (all / points + 1) / 2 * points;
    for (int i = left; i < all; ++i) {
      llvm::AllocaInst *total = accumulators_[static_cast<size_t>(i - left)].value;
      llvm::AllocaInst *other = accumulators_[static_cast<size_t>(i)].value;
      llvm::Type *type = total->getAllocatedType();
      b_.CreateStore(emit_scalar(b_, target_, op, dtype, dtype, {b_.CreateLoad(type, total), b_.CreateLoad(type, other)}),
                     total);
    }
  }
}

// The nested loops over the reduction axes, outermost first. The innermost is that of the lanes where the lanes run along the
// reduction, else the one that a fixed order says, else the last. In one of its rounds every chain gets a group of points.
std::vector<SumLoop> ReductionEmitter::sum_loops(const NestSchedule &n, const Stage &stage) const {
  std::vector<int> order = stage.reduce;
  const int last = n.is_dot() ? n.lane_axis : n.sums == SumOrder::fixed ? fixed_sum(k_, stage).axis : order.back();
  std::stable_partition(order.begin(), order.end(), [&](int a) { return a != last; });
  std::vector<SumLoop> loops;
  for (int axis : order)
    loops.push_back({axis, extent_of(axis)});
  SumLoop &innermost = loops.back();
  innermost.step = int64_t{n.is_dot() ? n.lanes : 1} * chains_;
  innermost.rest = innermost.points % innermost.step != 0;
  innermost.points = innermost.points / innermost.step * innermost.step;
  return loops;
}

void ReductionEmitter::loops(const std::vector<SumLoop> &all, size_t number, int points, const std::function<void(int)> &body) {
  const SumLoop &l = all[number];
  const bool innermost = number + 1 == all.size();
  cut_loop(l, 0, i64(0), i64(l.points),
           [&] { innermost ? chained_round(l.axis, points, body) : loops(all, number + 1, points, body); });
  if (innermost)
    rest_of_rounds(l, points, body);
}

// Emits the loop from `begin` to `end` inside the chunks [0, cut) of it.
void ReductionEmitter::cut_loop(const SumLoop &l, size_t cut, llvm::Value *begin, llvm::Value *end,
                                const std::function<void()> &body) {
  if (l.points == 0)
    return;
  if (cut == l.chunks.size()) {
    loop(begin, end, l.step, [&](llvm::Value *i) {
      tile_.axis[static_cast<size_t>(l.axis)] = i;
      body();
    });
    return;
  }
  const int64_t chunk = l.chunks[cut];
  loop(begin, end, chunk, [&](llvm::Value *i) {
    llvm::Value *last = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, b_.CreateNSWAdd(i, i64(chunk)), end);
    cut_loop(l, cut + 1, i, last, body);
    add_to_total(l.level + static_cast<int>(l.chunks.size() - 1 - cut));
  });
}

void ReductionEmitter::begin_totals(int levels, llvm::Type *type) {
  totals_.assign(1, {});
  for (const Accumulator &acc : accumulators_)
    totals_[0].push_back(acc.value);
  for (int level = 1; level <= levels; ++level) {
    totals_.emplace_back();
    for (size_t i = 0; i < accumulators_.size(); ++i) {
      totals_.back().push_back(local(type, "total"));
      b_.CreateStore(llvm::Constant::getNullValue(type), totals_.back().back());
    }
  }
}

void ReductionEmitter::end_totals() {
  for (size_t level = 1; level < totals_.size(); ++level)
    add_to_total(static_cast<int>(level));
  for (size_t i = 0; i < accumulators_.size(); ++i)
    accumulators_[i].value = totals_.back()[i];
}

// Adds the sums of the level below to their totals, and begins them anew.
void ReductionEmitter::add_to_total(int level) {
  const std::vector<llvm::AllocaInst *> &sums = totals_[static_cast<size_t>(level - 1)], &totals = totals_[static_cast<size_t>(level)];
  for (size_t i = 0; i < sums.size(); ++i) {
    llvm::Type *type = sums[i]->getAllocatedType();
    b_.CreateStore(b_.CreateFAdd(b_.CreateLoad(type, totals[i]), b_.CreateLoad(type, sums[i])), totals[i]);
    b_.CreateStore(llvm::Constant::getNullValue(type), sums[i]);
  }
}

// A round gives `points` of the axis to each chain in turn, from its current base on.
void ReductionEmitter::chained_round(int axis, int points, const std::function<void(int)> &body) {
  const auto a = static_cast<size_t>(axis);
  llvm::Value *i = tile_.axis[a];
  for (int chain = 0; chain < chains_; ++chain) {
    tile_.open_scope();
    tile_.axis[a] = chain == 0 ? i : b_.CreateNSWAdd(i, i64(int64_t{chain} * points));
    body(chain);
    tile_.close_scope();
  }
}

// What does not fill a round: groups for the first chains, the last of which may have fewer points and is masked.
void ReductionEmitter::rest_of_rounds(const SumLoop &l, int points, const std::function<void(int)> &body) {
  const int64_t extent = extent_of(l.axis), whole = extent / points * points;
  for (int64_t at = l.points; at < extent; at += points) {
    tile_.open_scope();
    tile_.axis[static_cast<size_t>(l.axis)] = i64(at);
    if (at >= whole) {
      tile_.view.active = static_cast<int>(extent - whole);
      tile_.view.mask_all = true;
    }
    body(static_cast<int>((at - l.points) / points));
    if (at >= whole) {
      tile_.view.active = points;
      tile_.view.mask_all = false;
    }
    tile_.close_scope();
  }
}

// Vectors that hold, lane beside lane, the sum over the lanes of each of `vectors`. A vector's halves are added until
// one lane is left, always in the same order. Two vectors are handled as one, whose halves are the sums of the halves
// of each, so that no lane is idle.
std::vector<llvm::Value *> ReductionEmitter::sum_lanes(const Stage &stage, std::vector<llvm::Value *> vectors) {
  const DType dtype = term_dtype(stage);
  const ScalarOp op = stage.combiner == Combiner::sum ? ScalarOp::add : ScalarOp::maximum;
  auto halves = [&](llvm::Value *a, llvm::Value *b, int lanes, int group, int offset) {
    std::vector<int> mask;
    for (int first = 0; first < (b ? 2 : 1) * lanes; first += group)
      for (int i = 0; i < group / 2; ++i)
        mask.push_back(first + offset + i);
    return b ? b_.CreateShuffleVector(a, b, mask) : b_.CreateShuffleVector(a, mask);
  };
  vectors.resize(std::bit_ceil(vectors.size()), llvm::PoisonValue::get(vectors[0]->getType()));
  int lanes = static_cast<int>(llvm::cast<llvm::FixedVectorType>(vectors[0]->getType())->getNumElements());
  for (int group = lanes; group > 1; group /= 2) {
    const size_t step = vectors.size() > 1 ? 2 : 1;
    std::vector<llvm::Value *> shorter;
    for (size_t i = 0; i < vectors.size(); i += step) {
      llvm::Value *a = vectors[i], *b = step > 1 ? vectors[i + 1] : nullptr;
      shorter.push_back(emit_scalar(b_, target_, op, dtype, dtype,
                                    {halves(a, b, lanes, group, 0), halves(a, b, lanes, group, group / 2)}));
    }
    if (step == 1)
      lanes /= 2;
    vectors = std::move(shorter);
  }
  return vectors;
}

llvm::Value *ReductionEmitter::argmax_lanes(llvm::Value *values, llvm::Value *positions) {
  llvm::Value *best = b_.CreateExtractElement(values, uint64_t{0});
  llvm::Value *where = b_.CreateExtractElement(positions, uint64_t{0});
  unsigned lanes = llvm::cast<llvm::FixedVectorType>(values->getType())->getNumElements();
  for (unsigned lane = 1; lane < lanes; ++lane) {
    llvm::Value *value = b_.CreateExtractElement(values, uint64_t{lane});
    llvm::Value *position = b_.CreateExtractElement(positions, uint64_t{lane});
    llvm::Value *tie = b_.CreateNot(b_.CreateOr(better(value, best), better(best, value)));
    llvm::Value *earlier = b_.CreateAnd(tie, b_.CreateICmpSLT(position, where));
    llvm::Value *wins = b_.CreateOr(better(value, best), earlier);
    best = b_.CreateSelect(wins, value, best);
    where = b_.CreateSelect(wins, position, where);
  }
  return where;
}

LocalBuffer ReductionEmitter::run(const NestSchedule &n, int s, int rows, int cols, int active, const Meanwhile &meanwhile) {
  const Stage &stage = k_.stages[static_cast<size_t>(s)];
  llvm::LLVMContext &c = b_.getContext();
  bool dot = n.is_dot();
  tile_.view = {.row_axis = n.row_axis, .col_axis = n.col_axis, .lane_axis = n.lane_axis,
                .col_step = dot ? 1 : n.lanes, .cols = cols, .lanes = n.lanes,
                .active = dot ? n.lanes : active};
  auto vector_of = [&](llvm::Type *scalar) -> llvm::Type * {
    return n.lanes > 1 ? llvm::FixedVectorType::get(scalar, static_cast<unsigned>(n.lanes)) : scalar;
  };
  llvm::Type *type = vector_of(register_type(c, term_dtype(stage)));
  llvm::Type *positions = vector_of(b_.getInt64Ty());
  bool argmax = stage.combiner == Combiner::argmax;
  accumulators_.clear();
  chains_ = chains(n, stage, rows * cols);
  for (int i = 0; i < chains_ * rows * cols; ++i) {
    accumulators_.push_back({local(type, "acc"), argmax ? local(positions, "best") : nullptr});
    b_.CreateStore(term_identity(stage, type), accumulators_.back().value);
    if (argmax)
      b_.CreateStore(llvm::Constant::getNullValue(positions), accumulators_.back().position);
  }
  tile_.open_scope();
  std::vector<SumLoop> nested = sum_loops(n, stage);
  begin_totals(stage.combiner == Combiner::sum && is_float(term_dtype(stage)) ? cut_sums(nested) : 0, type);
  loops(nested, 0, dot ? n.lanes : 1, [&](int chain) {
    if (meanwhile && !dot)
      meanwhile(tile_.axis[static_cast<size_t>(stage.reduce.back())]);
    combine_point(stage, rows, cols, chain);
  });
  end_totals();
  join_chains(stage, rows * cols);
  tile_.close_scope();

  std::vector<llvm::Value *> values;
  for (int i = 0; i < rows * cols; ++i) {
    const Accumulator &acc = accumulators_[static_cast<size_t>(i)];
    values.push_back(b_.CreateLoad(type, acc.value));
    if (!argmax)
      continue;
    llvm::Value *where = b_.CreateLoad(positions, acc.position);
    if (dot && n.lanes > 1)
      where = argmax_lanes(values.back(), where);
    values.back() = emit_scalar(b_, target_, ScalarOp::cast, DType::i64, stage.dtype, {where});
  }
  if (dot && n.lanes > 1 && !argmax)
    values = sum_lanes(stage, std::move(values));

  const int64_t row_points = dot ? cols : int64_t{cols} * n.lanes;
  llvm::Type *element = memory_type(c, stage.dtype);
  const uint64_t points = std::bit_ceil(static_cast<uint64_t>(rows * row_points)); // lanes are summed into whole vectors
  auto *memory = local(llvm::ArrayType::get(element, points), "tile");
  b_.CreateLifetimeStart(memory);
  LocalBuffer buffer{memory, std::vector<int64_t>(k_.axes.size(), 0), true};
  if (n.row_axis >= 0)
    buffer.strides[static_cast<size_t>(n.row_axis)] = row_points;
  if (n.col_axis >= 0)
    buffer.strides[static_cast<size_t>(n.col_axis)] = 1;
  uint64_t at = 0; // where the next vector is stored: they lie one behind the other
  for (llvm::Value *value : values) {
    auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(value->getType());
    if (stage.dtype == DType::boolean)
      value = b_.CreateZExt(value, vector ? llvm::FixedVectorType::get(element, vector->getNumElements()) : element);
    b_.CreateAlignedStore(value, b_.CreateConstInBoundsGEP1_64(element, memory, at),
                          llvm::Align(static_cast<uint64_t>(size_of(stage.dtype))));
    at += vector ? vector->getNumElements() : 1;
  }
  return buffer;
}

void ReductionEmitter::forget(const LocalBuffer &buffer) { b_.CreateLifetimeEnd(buffer.memory); }

llvm::Value *ReductionEmitter::result(int s, llvm::Value *row, int col) {
  return tile_.load_local(tile_.locals.at(s), k_.stages[static_cast<size_t>(s)].dtype, row, col);
}

} // namespace gradc
