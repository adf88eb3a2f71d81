// Offsets in one arena for buffers whose times of use are known.
#pragma once

#include <cstdint>
#include <vector>

namespace gradc {

/// A run of bytes in use from kernel `first` to kernel `last`, inclusive.
struct Buffer {
  int64_t bytes;
  int first, last;
  int64_t offset = 0;
  bool overlaps_in_time(const Buffer &o) const { return first <= o.last && o.first <= last; }
};

/// The largest sum of bytes in use at one time: no arena is smaller.
int64_t largest_live_bytes(const std::vector<Buffer> &);

/// Gives every buffer an offset so that no two in use at one time share a byte, and returns the bytes of the arena.
/// Greedy in several orders; where that misses the bound, a short depth-first search over canonical placements (after
/// Moffitt, MiniMalloc, ASPLOS 2023); where it misses it by more than 2%, local search in the order of placement, then
/// a longer one. Effort is counted in steps, not in time: equal input gives equal offsets.
int64_t assign_offsets(std::vector<Buffer> &);

} // namespace gradc
