#include "compiler/codegen/emission/pack_emitter.h"

#include "compiler/codegen/emission/emit_transpose.h"
#include "compiler/codegen/schedules/local_memory.h"

namespace gradc {

PackEmitter::PackEmitter(llvm::IRBuilder<> &builder, const Kernel &kernel, TileEmitter &tile, ReductionEmitter &reduction,
                         const NestSchedule &nest, llvm::Value *panels, llvm::Value *row_panels)
    : b_(builder), k_(kernel), tile_(tile), reduction_(reduction), n_(nest), reduce_(packed_axes(kernel, nest)),
      terms_(packed_terms(kernel, nest)), row_width_(packed_row_width(nest)), panels_(panels), row_panels_(row_panels) {}

// A panel whose rows have `width` elements along `axis`. Its rows follow each other as the terms do when the last reduction
// axis runs fastest.
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
  const int64_t width = n_.col_points();
  const size_t col = static_cast<size_t>(n_.col_axis);
  llvm::Value *base = tile_.axis[col];
  const int along = unit_stride_axis(load);
  each_tile(points, width, [&](llvm::Value *first, int64_t size) {
    tile_.axis[col] = b_.CreateNSWAdd(base, first);
    LocalBuffer buffer = layout(moved(load, panels_, b_.CreateNSWMul(first, i64(terms_))), n_.col_axis, width);
    if (along >= 0)
      transpose(load, buffer, n_.col_axis, along, size);
    else
      copy(load, buffer, n_.col_axis, size);
  });
  tile_.axis[col] = base;
}

void PackEmitter::select_panel(llvm::Value *offset) {
  llvm::Value *memory = moved(n_.packed_cols, panels_, b_.CreateNSWMul(offset, i64(terms_)));
  tile_.packed[n_.packed_cols] = layout(memory, n_.col_axis, n_.col_points());
}

// The loop over the terms is outside that over the tiles, because one cache line of the operand has elements of several tiles
// for the same term.
void PackEmitter::pack_rows(llvm::Value *tiles, int64_t points) {
  tile_.packed.erase(n_.packed_rows);
  const size_t row = static_cast<size_t>(n_.row_axis);
  llvm::Value *base = tile_.axis[row];
  each_term(-1, 0, [&] {
    reduction_.loop(i64(0), tiles, 1, [&](llvm::Value *number) {
      tile_.axis[row] = b_.CreateNSWAdd(base, b_.CreateNSWMul(number, i64(points)));
      copy_vectors(n_.packed_rows, row_panel(number), n_.row_axis, points);
    });
  });
  tile_.axis[row] = base;
}

void PackEmitter::select_rows(llvm::Value *number) { tile_.packed[n_.packed_rows] = row_panel(number); }

LocalBuffer PackEmitter::row_panel(llvm::Value *number) {
  llvm::Value *memory = moved(n_.packed_rows, row_panels_, b_.CreateNSWMul(number, i64(row_width_ * terms_)));
  return layout(memory, n_.row_axis, row_width_);
}

// The reduction axis along which the elements of a load are neighbours in memory; -1 if there is none, or if the elements along
// the columns are neighbours too, so that whole vectors of them can be copied.
int PackEmitter::unit_stride_axis(ExprId load) const {
  const FlatAccess access = flatten(k_, k_.expr(load));
  if (n_.lanes == 1 || access.coefficients[static_cast<size_t>(n_.col_axis)] == 1)
    return -1;
  for (int a : reduce_)
    if (access.coefficients[static_cast<size_t>(a)] == 1)
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

// Copies vectors along `axis`. The lanes beyond the last point become zero.
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

void PackEmitter::each_tile(int64_t points, int64_t size, const std::function<void(llvm::Value *, int64_t)> &body) {
  const Tiling tiles = whole_tiles(points, size);
  if (tiles.large > 0)
    reduction_.loop(i64(0), i64(tiles.large * size), size, [&](llvm::Value *first) { body(first, size); });
  if (tiles.small == 0)
    return;
  tile_.open_scope();
  body(i64(tiles.large * size), tiles.rest);
  tile_.close_scope();
}

// Copies where neighbours in memory lie along the reduction axis `along`, while a row of the panel runs along `axis`: squares
// of lanes x lanes elements are read as vectors along `along` and transposed in registers.
void PackEmitter::transpose(ExprId load, const LocalBuffer &buffer, int axis, int along, int64_t points) {
  const size_t col = static_cast<size_t>(axis), term = static_cast<size_t>(along);
  llvm::Value *base = tile_.axis[col];
  tile_.view = {.row_axis = -1, .col_axis = axis, .lane_axis = -1};
  auto each_square = [&](int64_t all, const std::function<void(llvm::Value *, llvm::Value *)> &body) {
    reduction_.loop(i64(0), i64(all), n_.lanes, [&](llvm::Value *first) {
      body(first, b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, b_.CreateNSWSub(i64(all), first), i64(n_.lanes)));
    });
  };
  each_square(points, [&](llvm::Value *first, llvm::Value *rows) {
    tile_.axis[col] = b_.CreateNSWAdd(base, first);
    LocalBuffer place = buffer;
    place.memory = moved(load, buffer.memory, first);
    each_term(along, 0, [&] {
      each_square(extent(along), [&](llvm::Value *begin, llvm::Value *columns) {
        tile_.axis[term] = begin;
        emit_transpose(b_, {.element = element(load), .lanes = n_.lanes, .rows = rows, .columns = columns,
                            .from = tile_.pointer(load), .from_stride = flatten(k_, k_.expr(load)).coefficients[col],
                            .to = tile_.pointer(place, k_.expr(load).dtype), .to_stride = buffer.strides[term]});
      });
    });
  });
  tile_.axis[col] = base;
}

} // namespace gradc
