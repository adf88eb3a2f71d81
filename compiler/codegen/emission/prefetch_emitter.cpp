#include "compiler/codegen/emission/prefetch_emitter.h"

#include <algorithm>
#include <map>

namespace gradc {

PrefetchEmitter::PrefetchEmitter(llvm::IRBuilder<> &builder, const Kernel &kernel, const Target &target, TileEmitter &tile,
                                 const NestSchedule &nest)
    : b_(builder), k_(kernel), target_(target), tile_(tile), n_(nest) {}

int64_t PrefetchEmitter::bytes(ExprId load) const {
  const Type &type = k_.params[static_cast<size_t>(k_.expr(load).target)].type;
  return type.elements() * static_cast<int64_t>(size_of(type.dtype));
}

// One load of each tensor that the epilogue reads row by row. None at all if these tensors together fit into a near cache.
std::vector<ExprId> PrefetchEmitter::streams(const std::vector<int> &stages) const {
  std::map<int, ExprId> found; // by parameter
  int64_t all = 0;
  for (int s : stages)
    if (const Stage &stage = k_.stages[static_cast<size_t>(s)]; stage.reduce.empty())
      for (ExprId id : expressions_of(k_, stage)) {
        const Expr &e = k_.expr(id);
        if (e.kind != Expr::Kind::load || e.padded)
          continue;
        const FlatAccess flat = flatten(k_, e);
        const bool by_row = flat.computed.empty() && flat.coefficients[static_cast<size_t>(n_.row_axis)] != 0 &&
                            flat.coefficients[static_cast<size_t>(n_.col_axis)] == 1;
        if (by_row && found.emplace(e.target, id).second)
          all += bytes(id);
      }
  std::vector<ExprId> loads;
  for (auto [param, id] : found)
    if (is_far(all))
      loads.push_back(id);
  return loads;
}

// Whether the next block is worth prefetching: there may be one, its tensor is too large for a near cache, and the elements of
// one cache line are neighbours along the columns or along the terms, so that few lines bring the whole block.
bool PrefetchEmitter::asks_for_blocks(int term) const {
  if (!more_blocks || !is_far(bytes(n_.packed_cols)))
    return false;
  const FlatAccess flat = flatten(k_, k_.expr(n_.packed_cols));
  return flat.coefficients[static_cast<size_t>(n_.col_axis)] == 1 || flat.coefficients[static_cast<size_t>(term)] == 1;
}

// Prefetches a part of the next block, in the round `round` of the product, which sums the term of that number.
//
// The tile at columns j.. of this block prefetches the columns j + block.., which are at the same place of the next block. All
// row tiles run the same columns, so they share the work: row tile t prefetches the lines t, t + tiles, t + 2 * tiles ...
// - If a cache line runs along the columns, the round prefetches the line with its own term.
// - If a cache line runs along the terms, it has the terms of `in_line` rounds, and these rounds prefetch `in_line` columns:
//   each round takes the line of one column that begins at the first of these terms.
//
// `follows` is -1 where another block follows and 0 where not. With 0 all rounds prefetch the same line, which is in the cache
// already. A mask is used instead of a branch because it needs one register less, and this loop has none to spare.
void PrefetchEmitter::next_block(int term, llvm::Value *round, llvm::Value *follows) const {
  const ExprId load = n_.packed_cols;
  const bool along_terms = flatten(k_, k_.expr(load)).coefficients[static_cast<size_t>(n_.col_axis)] != 1;
  const int64_t in_line = kCacheLine / static_cast<int64_t>(size_of(k_.expr(load).dtype));
  const int64_t lines = (n_.col_points() + in_line - 1) / in_line;
  const Tiling rows = even_tiles(extent(n_.row_axis), n_.rows);
  llvm::Value *tile = b_.CreateUDiv(tile_.axis[static_cast<size_t>(n_.row_axis)], i64(rows.first()));
  llvm::Value *asked = b_.CreateAnd(round, follows);
  llvm::Value *turned = along_terms ? b_.CreateURem(asked, i64(in_line)) : i64(0);
  for (int64_t first = 0; first < lines; first += rows.count()) {
    llvm::Value *line = b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, b_.CreateNSWAdd(tile, i64(first)), i64(lines - 1));
    llvm::Value *ahead = b_.CreateNSWAdd(b_.CreateNSWMul(line, i64(in_line)), i64(n_.block * n_.col_points()));
    tile_.prefetch(load, {{n_.col_axis, b_.CreateNSWAdd(b_.CreateAnd(ahead, follows), turned)},
                          {term, b_.CreateNSWSub(b_.CreateNSWSub(asked, turned), round)}});
  }
}

ReductionEmitter::Meanwhile PrefetchEmitter::during(const Stage &product, const std::vector<int> &stages, int rows,
                                                    int cols) const {
  if (n_.is_dot() || n_.row_axis < 0 || rows == 1 || product.reduce.size() != 1)
    return {};
  const int term = product.reduce[0];
  std::vector<ExprId> loads;
  if (extent(term) >= int64_t{rows} * cols)
    loads = streams(stages);
  const bool blocks = asks_for_blocks(term);
  if (loads.empty() && !blocks)
    return {};
  llvm::Value *follows = blocks ? b_.CreateSExt(more_blocks, b_.getInt64Ty()) : nullptr;
  return [=, this](llvm::Value *round) {
    if (blocks)
      next_block(term, round, follows);
    if (loads.empty())
      return;
    llvm::Value *row = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, b_.CreateUDiv(round, i64(cols)), i64(rows - 1));
    llvm::Value *col = b_.CreateNSWMul(b_.CreateURem(round, i64(cols)), i64(n_.lanes));
    for (ExprId load : loads)
      tile_.prefetch(load, {{n_.row_axis, row}, {n_.col_axis, col}});
  };
}

} // namespace gradc
