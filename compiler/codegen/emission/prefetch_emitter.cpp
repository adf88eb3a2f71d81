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

// One load of each tensor that the epilogue reads row by row; none if all these tensors together stay in a near cache.
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

// Whether to ask for the next block: there may be one, it is far, and the elements of a line of it are packed together.
bool PrefetchEmitter::asks_for_blocks(int term) const {
  if (!more_blocks || !is_far(bytes(n_.packed_cols)))
    return false;
  const FlatAccess flat = flatten(k_, k_.expr(n_.packed_cols));
  return flat.coefficients[static_cast<size_t>(n_.col_axis)] == 1 || flat.coefficients[static_cast<size_t>(term)] == 1;
}

// Asks for a part of what the next block will be packed from: for the columns that stand in it where this tile's stand
// in the current block. Every row tile comes by here, so the lines are shared out among the row tiles. In each round of
// the product, which sums one term, a tile asks for one line of its share. If lines run along the columns, that is the
// line that has this term. If they run along the terms, a line has several terms, and in as many rounds the tile asks
// for that many columns. `follows` has all bits where a block follows and none where not; then all rounds ask for one line
// that is at hand. A mask takes one register in the loop of the product, which has few to spare, where a condition takes
// what it compares, and a zero.
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
