// The cost model of contractions. It counts cycles of a core with two multiply-add pipes of four cycles latency and two
// loads a cycle, and adds what is read from beyond the nearest cache. Only differences between candidates matter, so the
// widths between caches are the same for all machines; sizes are the target's.
#include "compiler/codegen/schedules/contraction_cost.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gradc {

constexpr double kLatency = 4.5;            // cycles from one multiply-add of a sum to the next
constexpr double kLoad = 0.75;              // cycles of a load
constexpr double kIssue = 5;                // instructions a cycle
// Bytes a cycle that come from a farther cache, above what the arithmetic hides. Strided: where only a part of each
// line is used, or lines are too far apart for the processor to fetch them ahead.
constexpr double kFromL2 = 200, kStridedFromL2 = 70, kFromL3 = 30, kStridedFromL3 = 12;
// No tile gets more from the second cache in a cycle, however much arithmetic there is to hide it.
constexpr double kMostFromL2 = 24;
constexpr int64_t kForeseen = 8;            // lines may be so many lines apart, and are still fetched ahead
constexpr double kStridedLine = 4;          // cycles for a line that was not fetched ahead, looking up its page included
constexpr double kGatherLoads = 12;         // what a gather of 8 costs, in loads
constexpr double kScatterLoads = 16;
// Code for one more size of tiles must save this share of the time, and so many cycles, to be worth it.
constexpr double kBody = 0.03;
constexpr double kBodyCycles = 500;
constexpr double kUneven = 0.05;            // how much of the time that one thread waits for another is counted

ContractionCost::ContractionCost(const Contraction &c, const Target &t)
    : c_(c), target_(t), lanes_(t.lanes(c.element_bytes)) {
  for (int a : c.reduce)
    terms_ *= c.extent(a);
  for (int a : c.parallel)
    outputs_ *= c.extent(a);
}

static int64_t shortest(int64_t a, int64_t b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); }

int64_t ContractionCost::shortest_reduce_stride(size_t operand) const {
  int64_t least = 0;
  for (int a : c_.reduce)
    least = shortest(least, std::abs(stride(operand, a)));
  return least;
}

int ContractionCost::chains(const ContractionChoice &c, int64_t sums) const {
  if (c_.fixed)
    return std::max(1, c_.fixed->partials / (c.dot() ? lanes_ : 1));
  return sums < kChains ? kChains : 1;
}

// Cycles that a tile of `rows` points by `cols` vectors takes for one term of its sums.
double ContractionCost::tile_cycles(const ContractionChoice &c, int64_t rows, int64_t cols) const {
  double loads = 0;
  for (size_t o = 0; o < c_.operands.size(); ++o) {
    int64_t s = stride(o, c.lane);
    bool packed = static_cast<int>(o) == c.pack_cols;
    bool gathers = !packed && (s != 0 && s != 1);
    if (!c_.operands[o].flat.computed.empty())
      gathers = true;
    double unit = gathers ? kGatherLoads * lanes_ / 8 : 1;
    bool by_col = varies(o, c.col) || (!c.dot() && s != 0);
    loads += unit * (varies(o, c.row) ? static_cast<double>(rows) : 1) * (by_col ? static_cast<double>(cols) : 1);
  }
  double products = static_cast<double>(rows * cols), work = products * (1 + c_.operations);
  return std::max({work / 2, loads * kLoad, (work + loads) / kIssue, kLatency / chains(c, rows * cols)});
}

// Cycles to sum the lanes of each of so many vectors. Two vectors are combined into one that holds partial sums of
// both, until one is left; its halves are added until it has one lane for each of the vectors.
double ContractionCost::lane_sums(int64_t vectors) const {
  const double pairs = static_cast<double>(vectors - 1), halves = std::max(0.0, std::log2(lanes_ / static_cast<double>(vectors)));
  return 1.5 * (pairs + halves) + 2;
}

double ContractionCost::compute(const ContractionChoice &c) const {
  double steps = c.dot() ? terms_ / static_cast<double>(extent(c.lane)) *
                           static_cast<double>((extent(c.lane) + lanes_ - 1) / lanes_)
                     : terms_;
  const Tiling rows = row_tiles(c), cols = col_tiles(c);
  const int64_t rest_cols = c.dot() ? cols.rest : (cols.rest + lanes_ - 1) / lanes_;
  auto tile = [&](int64_t r, int64_t v) {
    return tile_cycles(c, r, v) * steps + (c.dot() ? lane_sums(r * v) : static_cast<double>(r * v) * 0.5) + 10;
  };
  double cycles = 0;
  for (auto [r, n] : {std::pair(rows.step, rows.large), {rows.rest, rows.small}})
    for (auto [v, m] : {std::pair<int64_t, int64_t>(c.cols, cols.large), {rest_cols, cols.small}})
      if (n * m > 0)
        cycles += static_cast<double>(n * m) * tile(r, v);
  return cycles * outputs_ / static_cast<double>(extent(c.row) * extent(c.col));
}

// To read `bytes` that come again and again from a footprint of so many bytes. The footprint consists of chunks
// of `chunk` bytes, `stride_bytes` apart; `at_once` (0: all) of a chunk are read before the next chunk. Chunks whose
// distance has a large power of two in common with the number of sets of a cache use few of the sets, so that much less
// fits. What is a little too large for a cache is mostly in it.
ContractionCost::Traffic ContractionCost::read(double bytes, double footprint, int64_t stride_bytes, double chunk, double at_once) const {
  auto beyond = [&](int64_t size, int64_t ways) { // the share of the footprint that a cache of this size does not hold
    int64_t sets = size / (kCacheLine * ways), apart = std::max<int64_t>(1, stride_bytes / kCacheLine);
    double used = static_cast<double>(sets) / static_cast<double>(std::gcd(sets, apart)) *
                  std::min(static_cast<double>(apart), std::ceil(chunk / kCacheLine));
    double usable = std::min(1.0, used / static_cast<double>(sets)) * static_cast<double>(size);
    return std::clamp(footprint / usable - 0.75, 0.0, 1.0);
  };
  const double piece = at_once > 0 ? at_once : chunk, stride = static_cast<double>(stride_bytes);
  const bool far = stride > kForeseen * kCacheLine && stride > 4 * piece, partly = stride > kCacheLine && piece < kCacheLine;
  const double from_l3 = beyond(target_.l2_bytes, 8);
  const double from_l2 = std::max(0.0, beyond(target_.l1_bytes, target_.l1_bytes / 4096) - from_l3);
  return {bytes * (from_l2 / (far || partly ? kStridedFromL2 : kFromL2) + from_l3 / (far || partly ? kStridedFromL3 : kFromL3)),
          bytes * from_l2};
}

// How many different elements of an operand a tile reads over the whole reduction. Windows that overlap, as those of neighbouring
// pixels, have most elements in common: an axis whose step is no longer than what the axes of shorter steps reach only
// lengthens that reach.
double ContractionCost::tile_elements(const ContractionChoice &c, size_t o) const {
  std::vector<std::pair<int64_t, int64_t>> steps; // step, points
  auto add = [&](int axis, int64_t points) {
    if (const int64_t step = std::abs(stride(o, axis)); step != 0 && points > 1)
      steps.emplace_back(step, points);
  };
  add(c.row, c.rows);
  add(c.col, c.dot() ? c.cols : col_points(c));
  if (c.dot())
    add(c.lane, extent(c.lane));
  for (int a : c_.reduce)
    if (a != c.lane)
      add(a, extent(a));
  std::sort(steps.begin(), steps.end());
  double elements = 1;
  int64_t reach = 1; // elements from the first to behind the last
  for (auto [step, points] : steps) {
    const int64_t grown = reach + step * (points - 1);
    elements = step < reach ? std::min(elements * static_cast<double>(points), elements * static_cast<double>(grown) / static_cast<double>(reach))
                            : elements * static_cast<double>(points);
    reach = grown;
  }
  return elements;
}

// To read an operand, for all tiles of one walk through the loops. Every tile reads its part of the operand over
// the whole reduction. A part that is the same for all iterations of the inner loop over tiles stays in L1 meanwhile.
ContractionCost::Traffic ContractionCost::operand_traffic(const ContractionChoice &c, size_t o) const {
  bool packed_cols = static_cast<int>(o) == c.pack_cols, packed_rows = static_cast<int>(o) == c.pack_rows;
  const Tiling rows = row_tiles(c), cols = col_tiles(c);
  bool by_row = varies(o, c.row), by_col = varies(o, c.col) || (!c.dot() && varies(o, c.lane));
  double per_term = static_cast<double>((by_row ? c.rows : 1) * (by_col ? col_points(c) : 1) * c_.element_bytes);
  int64_t along = by_row ? stride(o, c.row) : by_col ? stride(o, c.col) : 1;
  int64_t reduce_stride = shortest_reduce_stride(o);
  double tile_bytes = std::min(per_term * terms_, tile_elements(c, o) * c_.element_bytes);
  double chunk = per_term;
  int64_t apart = reduce_stride * c_.element_bytes;
  if (reduce_stride == 1 && along != 1) { // the terms of a row are consecutive
    chunk = terms_ * c_.element_bytes;
    apart = along * c_.element_bytes;
  } else if (!packed_rows && !packed_cols && along == 1 && apart > kCacheLine) {
    tile_bytes = std::max(tile_bytes, static_cast<double>(kCacheLine) * terms_);
  }
  if (packed_rows || packed_cols)
    apart = 0, chunk = tile_bytes;
  double outer_trips = static_cast<double>(c.rows_first() ? rows.count() : cols.count());
  double inner_trips = static_cast<double>(c.rows_first() ? cols.count() : rows.count());
  bool by_inner = c.rows_first() ? by_col : by_row, by_outer = c.rows_first() ? by_row : by_col;
  double blocks = c.block ? std::ceil(inner_trips / static_cast<double>(c.block)) : 1;
  if (!by_inner) { // the part of a tile serves all iterations of the inner loop
    Traffic resident = read(tile_bytes, 2 * tile_bytes, apart, chunk) * (outer_trips * (inner_trips - 1));
    double whole = tile_bytes * (by_outer ? outer_trips : 1);
    return resident + (by_outer ? read(whole * blocks, whole, apart, chunk) : Traffic());
  }
  double pass = tile_bytes * inner_trips / blocks; // the bytes of one run of the inner loop
  double inner_chunk = by_col && along == 1 && !packed_cols ? chunk * inner_trips : chunk;
  return read(pass * blocks * outer_trips, by_outer ? pass * outer_trips : pass, apart, inner_chunk, chunk);
}

ContractionCost::Traffic ContractionCost::traffic(const ContractionChoice &c) const {
  Traffic all;
  for (size_t o = 0; o < c_.operands.size(); ++o)
    all = all + operand_traffic(c, o);
  return all * (outputs_ / static_cast<double>(extent(c.row) * extent(c.col)));
}

// Cycles to pack, reading the original included. Where its lines are far apart, the time is that of waiting for each of
// them.
double ContractionCost::packing(const ContractionChoice &c) const {
  double cycles = 0, nests = outputs_ / static_cast<double>(extent(c.row) * extent(c.col));
  const Tiling rows = row_tiles(c), tiles = col_tiles(c);
  const double blocks = c.block ? static_cast<double>((tiles.count() + c.block - 1) / c.block) : 1;
  if (c.pack_cols >= 0) {
    double vectors = terms_ * std::ceil(static_cast<double>(extent(c.col)) / lanes_);
    double bytes = vectors * lanes_ * c_.element_bytes;
    bool copies = stride(static_cast<size_t>(c.pack_cols), c.lane) == 1;
    double work = vectors * (copies ? 3 : 4 + std::log2(lanes_)) + read(bytes, bytes, kCacheLine, kCacheLine).cycles;
    cycles += work * (blocks == 1 ? 1.25 : 1); // a block that is the only one is packed by every thread
  }
  if (c.pack_rows >= 0) {
    size_t o = static_cast<size_t>(c.pack_rows);
    double vectors = terms_ * static_cast<double>((c.rows + lanes_ - 1) / lanes_ * rows.count());
    const double groups = std::ceil(static_cast<double>(rows.count()) / static_cast<double>(c.group));
    double lines = terms_ * groups * (1 + static_cast<double>(c.group * c.rows * c_.element_bytes) / kCacheLine);
    int64_t apart = shortest_reduce_stride(o) * c_.element_bytes;
    bool near = read(1, terms_ * kCacheLine, apart, kCacheLine).cycles == 0; // the next row tile finds the lines still in L1
    cycles += blocks * (2 * vectors + (near ? lines / 4 : lines) * kStridedLine * (apart < 512 ? 0.5 : 1));
  }
  return cycles * nests;
}

// Cycles for what is read and written once an element of the result. Where a tile is narrower than a line of the cache,
// the next tile fetches the same line again: the rows in between may have evicted it.
double ContractionCost::epilogue(const ContractionChoice &c) const {
  double loads = 0, bytes = 0;
  for (const FlatAccess &a : c_.others) {
    int64_t s = c.col < 0 ? 0 : a.coefficients[static_cast<size_t>(c.col)];
    loads += s == 0 ? 0.5 : s == 1 && a.computed.empty() ? 1 : kScatterLoads * lanes_ / 8;
    bytes += s == 1 ? c_.element_bytes : 0;
  }
  double width = static_cast<double>(col_points(c)) * c_.element_bytes;
  double fetched = bytes * outputs_ * std::max(1.0, kCacheLine / width);
  return loads * outputs_ / std::min<double>(lanes_, static_cast<double>(extent(c.col))) +
         read(fetched, bytes * outputs_, kCacheLine, kCacheLine).cycles;
}

// How much longer than half the time two threads take, because the number of iterations that they share out is odd. The
// real number of threads must not matter here: the schedule decides about the order of sums, and results do not depend
// on threads.
double ContractionCost::unevenness(const ContractionChoice &c) const {
  if (outputs_ != static_cast<double>(extent(c.row) * extent(c.col)))
    return 0; // there are loops around those over tiles, and it is those that are shared out
  NestSchedule nest;
  fill_in(c, c_, target_, nest);
  const int64_t n = partition(loop_levels(nest), *c_.kernel).tiles.count();
  return n % 2 == 1 ? 1 / static_cast<double>(n) : 0;
}

// How many sizes of tiles there are. Each has code of its own, which takes time to compile and room in caches.
int ContractionCost::bodies(const ContractionChoice &c) const {
  auto sizes = [](const Tiling &t) { return (t.large > 0) + (t.small > 0); };
  return sizes(row_tiles(c)) * sizes(col_tiles(c));
}

double ContractionCost::cycles(const ContractionChoice &c) const {
  const Traffic read = traffic(c);
  return std::max(compute(c), read.bytes / kMostFromL2) + read.cycles + packing(c) + epilogue(c);
}

double ContractionCost::drawbacks(const ContractionChoice &c, double cycles) const {
  const int more = bodies(c) - 1;
  // Not worth_threads(): a user's wish about when to wake threads must not change the order of sums, which depends on
  // this.
  const double waiting = cycles >= kParallelCycles ? kUneven * unevenness(c) : 0;
  return cycles * (kBody * more + waiting) + kBodyCycles * more;
}

void fill_in(const ContractionChoice &choice, const Contraction &contraction, const Target &target, NestSchedule &n) {
  n.lane_axis = choice.lane;
  n.lanes = target.lanes(contraction.element_bytes);
  n.row_axis = choice.row;
  n.rows = choice.rows;
  n.col_axis = choice.col;
  n.cols = choice.cols;
  n.rows_outermost = choice.rows_outermost;
  n.block = choice.block;
  n.group = choice.group;
  n.packed_cols = choice.pack_cols < 0 ? -1 : contraction.operands[static_cast<size_t>(choice.pack_cols)].load;
  n.packed_rows = choice.pack_rows < 0 ? -1 : contraction.operands[static_cast<size_t>(choice.pack_rows)].load;
}

} // namespace gradc
