#include "compiler/codegen/schedules/loop_schedule.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <set>

namespace gradc {

namespace {

// The elements that a row of a buffer is given, so that its last vector can be stored whole: vectors have at most 16
// elements, and always a power of two.
int64_t padded_row(int64_t extent) {
  constexpr int64_t kMostLanes = 16;
  return extent < kMostLanes ? static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(extent)))
                             : (extent + kMostLanes - 1) / kMostLanes * kMostLanes;
}

} // namespace

HandedOver handed_over_layout(const Kernel &k, const Stage &stage, const LoopSchedule &schedule) {
  HandedOver layout{std::vector<int64_t>(k.axes.size(), 0), 1};
  for (size_t i = stage.axes.size(); i-- > 0;) {
    const int axis = stage.axes[i];
    const auto shared = std::find(schedule.shared.begin(), schedule.shared.end(), axis);
    const bool outside = shared != schedule.shared.end();
    const bool rows = outside && shared + 1 == schedule.shared.end() && schedule.shared_rows > 1;
    if (outside && !rows)
      continue;
    const int64_t extent = rows ? schedule.shared_rows : k.axes[static_cast<size_t>(axis)].extent;
    layout.strides[static_cast<size_t>(axis)] = layout.elements;
    layout.elements = checked_multiply(layout.elements, layout.elements == 1 ? padded_row(extent) : extent);
  }
  return layout;
}

namespace {

// The schedule of a kernel whose nests all stand inside loops over the axes `shared`.
LoopSchedule schedule_in(const std::vector<int> &shared, const Kernel &k, const Target &target, SumOrder sums) {
  LoopSchedule schedule;
  schedule.sums = sums;
  schedule.shared = shared;
  auto nests = [&] {
    const std::vector<int> numbers = nests_of(k);
    std::vector<NestSchedule> found;
    for (size_t s = 0, end; s < k.stages.size(); s = end) {
      end = static_cast<size_t>(std::upper_bound(numbers.begin(), numbers.end(), numbers[s]) - numbers.begin());
      found.push_back(schedule_nest(k, target, static_cast<int>(s), static_cast<int>(end - s), schedule));
    }
    return found;
  };
  schedule.nests = nests();
  auto tiles_shared_rows = [&](const NestSchedule &n) {
    return !schedule.shared.empty() && n.row_axis == schedule.shared.back();
  };
  for (const NestSchedule &n : schedule.nests)
    if (tiles_shared_rows(n))
      schedule.shared_rows = std::max<int64_t>(schedule.shared_rows, n.rows);
  if (schedule.shared_rows > 1)
    schedule.nests = nests(); // again, now that it is known how many rows an iteration takes
  auto extent = [&](int axis) { return k.axes[static_cast<size_t>(axis)].extent; };
  double cycles = 0;
  for (const NestSchedule &n : schedule.nests) {
    double times = 1;
    for (int a : schedule.shared)
      times *= static_cast<double>(extent(a));
    if (schedule.shared_rows > 1 || tiles_shared_rows(n))
      times /= static_cast<double>(tiles_shared_rows(n) ? extent(shared.back()) : schedule.shared_rows);
    for (const NestSchedule::Candidate &c : n.candidates)
      cycles += c.taken ? c.cycles * times : 0;
  }
  schedule.cycles = static_cast<int64_t>(std::min(cycles, 1e18));
  for (const Stage &stage : k.stages)
    schedule.serial |= stage.accumulate;
  if (!shared.empty())
    schedule.partition = partition({schedule.shared_loop(0)}, k);
  else if (schedule.nests.size() == 1)
    schedule.partition = partition(loop_levels(schedule.nests[0]), k);
  return schedule;
}

} // namespace

bool worth_threads(double cycles, const Target &target) {
  return cycles >= static_cast<double>(target.schedule.fork.value_or(kParallelCycles));
}

LoopSchedule schedule_loops(const Kernel &k, const Target &target, SumOrder sums) {
  LoopSchedule one_by_one = schedule_in({}, k, target, sums);
  const std::vector<int> shared = k.shared_axes();
  if (one_nest(k) || shared.empty())
    return one_by_one;
  LoopSchedule together = schedule_in(shared, k, target, sums);
  const bool serves_one = !worth_threads(static_cast<double>(one_by_one.cycles), target);
  const bool nearby = handed_over_bytes(k, {}) <= static_cast<double>(target.l1_bytes / 2);
  return one_by_one.cycles < together.cycles && serves_one && nearby ? one_by_one : together;
}

constexpr int64_t kManyTiles = 32; // from here on it matters little that the last tile, being smaller, is slow

Tiling even_tiles(int64_t points, int64_t step) {
  const int64_t count = (points + step - 1) / step, size = (points + count - 1) / count;
  if (count > kManyTiles)
    return whole_tiles(points, step);
  const int64_t large = points - count * (size - 1);
  return {large, size, count - large, size - 1};
}

Tiling whole_tiles(int64_t points, int64_t step) { return {points / step, step, points % step > 0, points % step}; }

Partition partition(const std::vector<LoopLevel> &levels, const Kernel &k) {
  for (const LoopLevel &level : levels) {
    const Tiling tiles = level.cut(k.axes[static_cast<size_t>(level.axis)].extent);
    if (tiles.count() > 1)
      return {level.axis, tiles};
  }
  return {};
}

LoopLevel LoopSchedule::shared_loop(size_t number) const {
  return {LoopLevel::Kind::rows, shared[number], number + 1 == shared.size() ? shared_rows : 1};
}

std::vector<LoopLevel> loop_levels(const NestSchedule &n) {
  using Kind = LoopLevel::Kind;
  std::vector<LoopLevel> levels;
  for (int axis : n.loops)
    levels.push_back({Kind::points, axis, 1});
  if (n.block > 0)
    levels.push_back({Kind::block, n.col_axis, n.block * n.col_points()});
  bool rows_first = n.rows_outermost || n.block > 0;
  if (n.row_axis >= 0 && rows_first)
    levels.push_back({Kind::rows, n.row_axis, n.rows});
  if (n.col_axis >= 0)
    levels.push_back({Kind::cols, n.col_axis, n.col_points()});
  if (n.row_axis >= 0 && !rows_first)
    levels.push_back({Kind::rows, n.row_axis, n.rows});
  return levels;
}

std::string print(const LoopSchedule &schedule, const Kernel &k, bool with_candidates) {
  auto name = [&](int axis) { return axis < 0 ? std::string("-") : k.axes[static_cast<size_t>(axis)].name; };
  std::string text;
  if (with_candidates)
    text += "about " + std::to_string(schedule.cycles) + " cycles, " + std::to_string(schedule.iterations()) +
            " iterations to share out" + (schedule.serial ? ", in order" : "") + "\n";
  if (!schedule.shared.empty()) {
    text += "shared";
    for (int a : schedule.shared)
      text += " " + name(a);
    if (schedule.shared_rows > 1)
      text += ":" + std::to_string(schedule.shared_rows);
    text += "\n";
  }
  for (const NestSchedule &n : schedule.nests) {
    text += "nest stages " + std::to_string(n.first) + ".." + std::to_string(n.first + n.count - 1);
    for (int a : n.loops)
      text += " loop " + name(a);
    text += " rows " + name(n.row_axis) + ":" + std::to_string(n.rows) + " cols " + name(n.col_axis) + ":" +
            std::to_string(n.cols) + " lanes " + name(n.lane_axis) + ":" + std::to_string(n.lanes) +
            (n.is_dot() ? " dot" : "") + (n.sums == SumOrder::fixed ? " fixed-sums" : "") + (n.rows_outermost ? " rows-outermost" : "");
    if (n.packed_cols >= 0)
      text += " packed " + print_expr(k, n.packed_cols) + " block:" + std::to_string(n.block);
    if (n.packed_rows >= 0)
      text += " packed-rows " + print_expr(k, n.packed_rows) + (n.group > 1 ? " group:" + std::to_string(n.group) : "");
    std::string beside;
    for (int s = n.first; s < n.first + n.count; ++s)
      if (const Stage &stage = k.stages[static_cast<size_t>(s)]; stage.axes != n.axes)
        beside += " " + stage.name;
    text += (beside.empty() ? "" : " beside" + beside) + "\n";
    for (const NestSchedule::Candidate &c : n.candidates)
      if (with_candidates)
        text += "  lanes along " + name(c.lane_axis) + (c.dot ? ", summed at the end" : "") +
                (c.packed ? ", packed" : "") + ": cost " + std::to_string(static_cast<int64_t>(c.cost)) +
                (c.taken ? "  <- taken" : "") + "\n";
  }
  return text;
}

} // namespace gradc
