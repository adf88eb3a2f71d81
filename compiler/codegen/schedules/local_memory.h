// Where a kernel keeps what it packs and what its nests hand on to each other.
#pragma once

#include "compiler/codegen/schedules/loop_schedule.h"

#include <map>

namespace gradc {

/// A piece of memory that only one share of a kernel sees: in the frame of its function where it is small, else in the
/// thread's part of the workspace, `offset` bytes from its start. A frame is bounded so that threads get by with small
/// stacks, whatever the model.
struct LocalPiece {
  int64_t bytes = 0;
  int64_t offset = -1; // in the workspace; -1: in the frame
};

struct LocalMemory {
  std::map<int, LocalPiece> handed_over; // by stage
  struct Nest {
    LocalPiece cols, rows; // that are packed
  };
  std::vector<Nest> nests; // as those of the schedule; one after the other has the same bytes
  int64_t thread_bytes = 0; // of the workspace
};

/// Frame bytes of all pieces together.
constexpr int64_t kFrameBytes = 4096;

LocalMemory local_memory(const Kernel &, const LoopSchedule &);

/// Points of a packed row tile: whole vectors.
int64_t packed_row_width(const NestSchedule &);
/// Terms of the reduction whose operands a nest packs.
int64_t packed_terms(const Kernel &, const NestSchedule &);
/// The axes of that reduction.
std::vector<int> packed_axes(const Kernel &, const NestSchedule &);

} // namespace gradc
