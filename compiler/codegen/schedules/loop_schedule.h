// How a kernel's loops run: annotations on its axes, chosen from the target. They never change what is computed.
#pragma once

#include "compiler/codegen/schedules/sum_order.h"
#include "compiler/codegen/target.h"
#include "ir/flat_access.h"
#include "ir/lowering/nests.h"

namespace gradc {

/// One loop nest: consecutive stages with the same parallel axes. It works through its points tile by tile; a tile is
/// `rows` x `cols` vectors of `lanes` elements, which stay in registers. Where the rows do not divide evenly, some
/// tiles have one row less. What remains of the columns is a second, smaller tile, whose last vector is masked.
struct NestSchedule {
  int first = 0, count = 0;  // the stages [first, first + count)
  std::vector<int> axes = {}; // the parallel axes of its stages; those of a stage beside a product are some of them
  std::vector<int> loops;    // parallel axes walked point by point, outermost first
  int row_axis = -1;         // axis of the tile's rows
  int rows = 1;
  int col_axis = -1;         // axis of the tile's columns
  int cols = 1;
  int lane_axis = -1;        // axis along the lanes of a vector: col_axis, or a reduction axis ("dot": the lanes are
  int lanes = 1;             // summed at the end), or none
  bool rows_outermost = false;
  SumOrder sums = SumOrder::fast;
  // Loads of the reduction whose elements are first copied ("packed"), in the order in which the tiles read them; -1:
  // none.
  ExprId packed_cols = -1;   // copied for `block` column tiles at a time, before the loop over the rows
  ExprId packed_rows = -1;   // copied for `group` row tiles at a time, before the loop over the columns
  int64_t block = 0, group = 1;
  struct Candidate {
    int lane_axis;
    bool dot, packed;
    double cost, cycles; // candidates compare by cost: the estimated cycles and what else speaks against one
    bool taken;
  };
  std::vector<Candidate> candidates; // what was considered, the best of each kind
  bool is_dot() const { return lane_axis >= 0 && lane_axis != col_axis; }
  int64_t col_points() const { return is_dot() ? cols : int64_t{cols} * lanes; } // points along col_axis in one tile
};

/// How an axis is cut: `large` tiles of `step` points, then `small` tiles of `rest` points.
struct Tiling {
  int64_t large, step, small, rest;
  int64_t count() const { return large + small; }
  int64_t first() const { return large > 0 ? step : rest; } // how many points the first tile has
  friend bool operator==(const Tiling &, const Tiling &) = default;
};
/// Tiles of at most `step` points whose sizes differ by one at most. A tile of few rows takes almost as long as one of
/// many, so one short tile at the end would be wasteful; where there are many tiles it does not matter, and the cut is
/// that of whole_tiles.
Tiling even_tiles(int64_t points, int64_t step);
/// Tiles of `step` points, and one of what remains.
Tiling whole_tiles(int64_t points, int64_t step);

/// A loop of a nest, over tiles of at most `step` points of an axis.
struct LoopLevel {
  enum class Kind : uint8_t { points, block, rows, cols } kind;
  int axis;
  int64_t step;
  Tiling cut(int64_t points) const {
    return kind == Kind::rows ? even_tiles(points, step) : whole_tiles(points, step);
  }
};
/// The loops of a nest around its tile, outermost first.
std::vector<LoopLevel> loop_levels(const NestSchedule &);

/// What threads share out: the tiles of an axis.
struct Partition {
  int axis = -1; // none: a single iteration
  Tiling tiles = {1, 1, 0, 0};
};
/// Threads share out the outermost of the nested loops that has more than one iteration.
Partition partition(const std::vector<LoopLevel> &, const Kernel &);

/// An addition waits for the one before it in the same sum. A tile with fewer sums than this therefore splits each into
/// so many partial sums ("chains"), which advance side by side and are added up at the end. Not where the order is fixed.
constexpr int kChains = 4;

struct LoopSchedule {
  SumOrder sums = SumOrder::fast;
  std::vector<int> shared;         // outer loops around all nests, if any
  int64_t shared_rows = 1;         // how many points of the last of them one iteration takes: as many as a contraction's
                                   // tile has rows
  std::vector<NestSchedule> nests;
  Partition partition;             // how the outermost loop is shared out among threads
  int64_t cycles = 0;              // estimated, for deciding about threads
  bool serial = false;             // points must run in order (accumulating stores)
  int64_t iterations() const { return partition.tiles.count(); } // what threads share out
  LoopLevel shared_loop(size_t number) const;
};

LoopSchedule schedule_loops(const Kernel &, const Target &, SumOrder = SumOrder::fast);
/// About 10 us. Less work than this is done sooner by one thread: waking others, and moving what they wrote from their
/// caches, takes longer.
constexpr int64_t kParallelCycles = 40000;
/// Whether so many cycles of work are worth waking threads: kParallelCycles, or what a wish says.
bool worth_threads(double cycles, const Target &);
/// The schedule of the nest of the stages [first, first + count), inside the loops that `outer` shares among all nests.
NestSchedule schedule_nest(const Kernel &, const Target &, int first, int count, const LoopSchedule &outer);
/// One line a nest, for dumps; with_candidates adds what was considered for the lanes, and at which cost.
std::string print(const LoopSchedule &, const Kernel &, bool with_candidates = false);

/// How the values that a stage hands to later nests lie in memory: dense over the stage's axes without those of the
/// shared loops, the last axis contiguous. Where an iteration of the shared loops takes several rows, all of these are
/// kept, so the last shared axis has a stride too; along it the position counts from the first row of the iteration.
struct HandedOver {
  std::vector<int64_t> strides; // one an axis of the kernel, in elements
  int64_t elements;
};
HandedOver handed_over_layout(const Kernel &, const Stage &, const LoopSchedule &);

} // namespace gradc
