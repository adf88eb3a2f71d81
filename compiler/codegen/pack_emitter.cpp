#include "compiler/codegen/pack_emitter.h"

namespace gradc {

PackEmitter::PackEmitter(llvm::IRBuilder<> &builder, const Kernel &kernel, TileEmitter &tile, ReductionEmitter &reduction,
                         const NestSchedule &nest)
    : b_(builder), k_(kernel), tile_(tile), reduction_(reduction), n_(nest) {
  for (int s = n_.first; s < n_.first + n_.count; ++s)
    if (const Stage &stage = k_.stages[static_cast<size_t>(s)]; !stage.reduce.empty())
      reduce_ = stage.reduce;
  for (int a : reduce_)
    terms_ *= extent(a);
  auto reserve = [&](ExprId load, int64_t elements) {
    return reduction_.local(llvm::ArrayType::get(element(load), static_cast<uint64_t>(elements)), "packed");
  };
  if (n_.packed_cols >= 0)
    panels_ = reserve(n_.packed_cols, n_.block * n_.col_points() * terms_);
  row_width_ = (int64_t{n_.rows} + n_.lanes - 1) / n_.lanes * n_.lanes;
  if (n_.packed_rows >= 0)
    row_panels_ = reserve(n_.packed_rows, n_.group * row_width_ * terms_);
}

// `width` elements along `axis` for each term; the last reduction axis moves fastest.
LocalBuffer PackEmitter::layout(llvm::Value *memory, int axis, int64_t width) const {
  LocalBuffer buffer{memory, std::vector<int64_t>(k_.axes.size(), 0), true};
  buffer.strides[static_cast<size_t>(axis)] = 1;
  for (size_t i = reduce_.size(); i-- > 0; width *= extent(reduce_[i]))
    buffer.strides[static_cast<size_t>(reduce_[i])] = width;
  return buffer;
}

void PackEmitter::pack_cols(int64_t points) {
  const ExprId load = n_.packed_cols;
  tile_.packed.erase(load);
  const int64_t width = n_.col_points(), full = points / width, rest = points % width;
  const size_t col = static_cast<size_t>(n_.col_axis);
  llvm::Value *base = tile_.axis[col];
  const int along = unit_stride_axis(load);
  auto panel = [&](llvm::Value *number, int64_t size) {
    tile_.axis[col] = b_.CreateNSWAdd(base, b_.CreateNSWMul(number, i64(width)));
    LocalBuffer buffer = layout(moved(load, panels_, b_.CreateNSWMul(number, i64(width * terms_))), n_.col_axis, width);
    if (along >= 0)
      transpose(load, buffer, n_.col_axis, along, size);
    else
      copy(load, buffer, n_.col_axis, size);
  };
  if (full > 0)
    reduction_.loop(i64(0), i64(full), 1, [&](llvm::Value *number) { panel(number, width); });
  if (rest > 0) {
    tile_.open_scope();
    panel(i64(full), rest);
    tile_.close_scope();
  }
  tile_.axis[col] = base;
}

void PackEmitter::select_panel(llvm::Value *offset) {
  llvm::Value *memory = moved(n_.packed_cols, panels_, b_.CreateNSWMul(offset, i64(terms_)));
  tile_.packed[n_.packed_cols] = layout(memory, n_.col_axis, n_.col_points());
}

// Term by term, all tiles: the rows of several are in one line of the cache.
void PackEmitter::pack_rows(const Tiling &tiles) {
  tile_.packed.erase(n_.packed_rows);
  const size_t row = static_cast<size_t>(n_.row_axis);
  llvm::Value *base = tile_.axis[row];
  each_term(-1, 0, [&] {
    int64_t start = 0;
    for (int64_t number = 0; number < tiles.count(); ++number) {
      const int64_t points = number < tiles.large ? tiles.step : tiles.rest;
      tile_.open_scope();
      tile_.axis[row] = b_.CreateNSWAdd(base, i64(start));
      copy_vectors(n_.packed_rows, row_panel(i64(number)), n_.row_axis, points);
      tile_.close_scope();
      start += points;
    }
  });
  tile_.axis[row] = base;
}

void PackEmitter::select_rows(const Tiling &tiles, llvm::Value *offset, int64_t points) {
  const bool large = tiles.large > 0 && points == tiles.step;
  llvm::Value *first = i64(large ? 0 : tiles.large * tiles.step);
  llvm::Value *number = b_.CreateExactUDiv(b_.CreateNSWSub(offset, first), i64(points));
  tile_.packed[n_.packed_rows] = row_panel(large ? number : b_.CreateNSWAdd(number, i64(tiles.large)));
}

LocalBuffer PackEmitter::row_panel(llvm::Value *number) {
  llvm::Value *memory = moved(n_.packed_rows, row_panels_, b_.CreateNSWMul(number, i64(row_width_ * terms_)));
  return layout(memory, n_.row_axis, row_width_);
}

// The reduction axis along which the elements of a load are consecutive, where they are not along the columns.
int PackEmitter::unit_stride_axis(ExprId load) const {
  const Expr &e = k_.expr(load);
  FlatAccess flat = flatten(k_, k_.params[static_cast<size_t>(e.target)].type.shape, e.index);
  if (n_.lanes == 1 || flat.coefficients[static_cast<size_t>(n_.col_axis)] == 1)
    return -1;
  for (int a : reduce_)
    if (flat.coefficients[static_cast<size_t>(a)] == 1)
      return a;
  return -1;
}

void PackEmitter::each_term(int without, size_t level, const std::function<void()> &body) {
  if (level == reduce_.size())
    return body();
  if (reduce_[level] == without)
    return each_term(without, level + 1, body);
  const size_t a = static_cast<size_t>(reduce_[level]);
  reduction_.loop(i64(0), i64(k_.axes[a].extent), 1, [&](llvm::Value *i) {
    tile_.axis[a] = i;
    each_term(without, level + 1, body);
  });
}

// Vectors along `axis`; lanes beyond the last point are zero.
void PackEmitter::copy(ExprId load, const LocalBuffer &buffer, int axis, int64_t points) {
  each_term(-1, 0, [&] { copy_vectors(load, buffer, axis, points); });
}

void PackEmitter::copy_vectors(ExprId load, const LocalBuffer &buffer, int axis, int64_t points) {
  const int vectors = static_cast<int>((points + n_.lanes - 1) / n_.lanes);
  tile_.view = {.row_axis = -1, .col_axis = axis, .lane_axis = axis, .col_step = n_.lanes, .cols = vectors,
                .lanes = n_.lanes, .active = static_cast<int>(points - int64_t{vectors - 1} * n_.lanes)};
  for (int col = 0; col < vectors; ++col)
    tile_.store_local(buffer, k_.expr(load).dtype, i64(0), col, tile_.eval_lanes(load, i64(0), col));
}

// Vectors along the reduction axis `along`, turned in squares.
void PackEmitter::transpose(ExprId load, const LocalBuffer &buffer, int axis, int along, int64_t points) {
  const int64_t full = extent(along) / n_.lanes * n_.lanes, rest = extent(along) - full;
  const size_t a = static_cast<size_t>(along);
  for (int64_t first = 0; first < points; first += n_.lanes)
    each_term(along, 0, [&] {
      const int64_t here = std::min<int64_t>(n_.lanes, points - first);
      if (full > 0)
        reduction_.loop(i64(0), i64(full), n_.lanes, [&](llvm::Value *i) {
          tile_.axis[a] = i;
          transpose_block(load, buffer, axis, along, first, here, n_.lanes);
        });
      if (rest == 0)
        return;
      tile_.open_scope();
      tile_.axis[a] = i64(full);
      transpose_block(load, buffer, axis, along, first, here, rest);
      tile_.close_scope();
    });
}

// Halves, quarters, ... change places across the diagonal.
static void turn(llvm::IRBuilder<> &b, std::vector<llvm::Value *> &v) {
  const int n = static_cast<int>(v.size());
  for (int half = n / 2; half >= 1; half /= 2) {
    std::vector<int> low, high;
    for (int lane = 0; lane < n; ++lane) {
      low.push_back(lane & half ? n + lane - half : lane);
      high.push_back(lane & half ? n + lane : lane + half);
    }
    for (int i = 0; i < n; ++i)
      if (!(i & half)) {
        llvm::Value *&x = v[static_cast<size_t>(i)], *&y = v[static_cast<size_t>(i + half)];
        llvm::Value *first = b.CreateShuffleVector(x, y, low);
        y = b.CreateShuffleVector(x, y, high);
        x = first;
      }
  }
}

void PackEmitter::transpose_block(ExprId load, const LocalBuffer &buffer, int axis, int along, int64_t first,
                                  int64_t points, int64_t terms) {
  tile_.view = {.row_axis = axis, .col_axis = -1, .lane_axis = along, .lanes = n_.lanes,
                .active = static_cast<int>(terms), .mask_all = true};
  std::vector<llvm::Value *> square;
  for (int64_t i = 0; i < n_.lanes; ++i)
    square.push_back(i < points ? tile_.eval_lanes(load, i64(first + i), 0)
                                : llvm::Constant::getNullValue(square[0]->getType()));
  turn(b_, square);
  tile_.view = {.row_axis = -1, .col_axis = axis, .lane_axis = axis, .lanes = n_.lanes, .active = n_.lanes};
  for (int64_t i = 0; i < terms; ++i) {
    LocalBuffer place = buffer;
    place.memory = moved(load, buffer.memory, i64(i * buffer.strides[static_cast<size_t>(along)] + first));
    tile_.store_local(place, k_.expr(load).dtype, i64(0), 0, square[static_cast<size_t>(i)]);
  }
}

} // namespace gradc
