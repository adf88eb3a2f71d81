// How many cycles a contraction takes, for each way to run it.
#pragma once

#include "compiler/codegen/schedules/contraction_schedule.h"

namespace gradc {

/// A way to run a contraction.
struct ContractionChoice {
  int lane = -1, row = -1, col = -1; // the axes of the lanes, rows and columns; without a dot product, col is lane
  int rows = 1, cols = 1;
  bool rows_outermost = false;
  int64_t block = 0; // how many column tiles are packed at a time
  int64_t group = 1; // how many row tiles are packed at a time
  int pack_cols = -1, pack_rows = -1; // the operand that is packed for the columns, and that for the rows; -1: none
  double cycles = 0, cost = 0;        // estimated cycles, and these with the drawbacks added

  bool dot() const { return lane != col; }
  bool packed() const { return pack_cols >= 0 || pack_rows >= 0; }
  bool rows_first() const { return rows_outermost || block > 0; } // the loop over row tiles stands outside that over columns
};

class ContractionCost {
public:
  ContractionCost(const Contraction &, const Target &);

  /// Estimated cycles of one thread.
  double cycles(const ContractionChoice &) const;
  /// What speaks against a choice of so many cycles besides these, in cycles: that two threads cannot share the work
  /// evenly, and that tiles of several sizes need code for each size.
  double drawbacks(const ContractionChoice &, double cycles) const;

  int64_t extent(int axis) const { return axis < 0 ? 1 : c_.extent(axis); }
  int64_t stride(size_t operand, int axis) const {
    return axis < 0 ? 0 : c_.operands[operand].flat.coefficients[static_cast<size_t>(axis)];
  }
  /// How many partial sums of each sum advance side by side in a tile of so many sums (see kChains and FixedSum).
  int chains(const ContractionChoice &, int64_t sums) const;
  bool varies(size_t operand, int axis) const { return stride(operand, axis) != 0; }
  int64_t shortest_reduce_stride(size_t operand) const;
  int64_t terms() const { return static_cast<int64_t>(terms_); } // how many terms each sum has
  int64_t col_points(const ContractionChoice &c) const { return c.dot() ? c.cols : int64_t{c.cols} * lanes_; } // as in NestSchedule
  Tiling row_tiles(const ContractionChoice &c) const { return even_tiles(extent(c.row), c.rows); }
  Tiling col_tiles(const ContractionChoice &c) const { return whole_tiles(extent(c.col), col_points(c)); }

private:
  double tile_cycles(const ContractionChoice &, int64_t rows, int64_t cols) const;
  double lane_sums(int64_t vectors) const;
  double compute(const ContractionChoice &) const;
  // What is read from beyond the nearest cache: cycles that the arithmetic does not hide, and bytes that come from the second cache.
  struct Traffic {
    double cycles = 0, bytes = 0;
    Traffic operator+(const Traffic &other) const { return {cycles + other.cycles, bytes + other.bytes}; }
    Traffic operator*(double times) const { return {cycles * times, bytes * times}; }
  };
  Traffic traffic(const ContractionChoice &) const;
  double tile_elements(const ContractionChoice &, size_t operand) const;
  Traffic operand_traffic(const ContractionChoice &, size_t operand) const;
  Traffic read(double bytes, double footprint, int64_t stride_bytes, double chunk, double at_once = 0) const;
  double packing(const ContractionChoice &) const;
  double epilogue(const ContractionChoice &) const;
  int bodies(const ContractionChoice &) const;
  double unevenness(const ContractionChoice &) const;

  const Contraction &c_;
  const Target &target_;
  int lanes_;
  double terms_ = 1, outputs_ = 1;
};

/// Writes the choice into the schedule of its nest.
void fill_in(const ContractionChoice &, const Contraction &, const Target &, NestSchedule &);

} // namespace gradc
