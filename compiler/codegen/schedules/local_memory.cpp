#include "compiler/codegen/schedules/local_memory.h"

#include "passes/storage.h"

#include <algorithm>

namespace gradc {
namespace {

constexpr int64_t kSlack = 64;     // elements: vectors are read whole at the end of the last row of what is handed on

/// Pieces one after the other: what no longer fits the frame is put behind what is in the workspace.
struct Placer {
  int64_t frame = 0, workspace = 0;
  LocalPiece put(int64_t bytes) {
    const int64_t rounded = aligned(bytes);
    LocalPiece piece{bytes};
    if (frame + rounded <= kFrameBytes) {
      frame += rounded;
    } else {
      piece.offset = workspace;
      workspace = checked_add(workspace, rounded);
    }
    return piece;
  }
};

} // namespace

std::vector<int> packed_axes(const Kernel &k, const NestSchedule &n) {
  std::vector<int> axes;
  for (int s = n.first; s < n.first + n.count; ++s)
    if (const Stage &stage = k.stages[static_cast<size_t>(s)]; !stage.reduce.empty())
      axes = stage.reduce;
  return axes;
}

int64_t packed_terms(const Kernel &k, const NestSchedule &n) {
  int64_t terms = 1;
  for (int axis : packed_axes(k, n))
    terms = checked_multiply(terms, k.axes[static_cast<size_t>(axis)].extent);
  return terms;
}

int64_t packed_row_width(const NestSchedule &n) { return (int64_t{n.rows} + n.lanes - 1) / n.lanes * n.lanes; }

LocalMemory local_memory(const Kernel &k, const LoopSchedule &schedule) {
  LocalMemory memory;
  Placer placer;
  for (int s : handed_over(k)) {
    const Stage &stage = k.stages[static_cast<size_t>(s)];
    const int64_t elements = checked_add(handed_over_layout(k, stage, schedule).elements, kSlack);
    memory.handed_over[s] = placer.put(checked_multiply(elements, size_of(stage.dtype)));
  }
  memory.thread_bytes = placer.workspace;
  int64_t frame = placer.frame;
  for (const NestSchedule &n : schedule.nests) {
    Placer of_nest{frame, placer.workspace};
    auto reserve = [&](ExprId load, int64_t elements) {
      if (load < 0)
        return LocalPiece{};
      elements = checked_multiply(elements, packed_terms(k, n));
      return of_nest.put(checked_multiply(elements, size_of(k.expr(load).dtype)));
    };
    const LocalPiece cols = reserve(n.packed_cols, n.block * n.col_points());
    const LocalPiece rows = reserve(n.packed_rows, n.group * packed_row_width(n));
    memory.nests.push_back({cols, rows});
    memory.thread_bytes = std::max(memory.thread_bytes, of_nest.workspace);
    frame = of_nest.frame; // frames are not shared: each piece is a variable of its own
  }
  return memory;
}

} // namespace gradc
