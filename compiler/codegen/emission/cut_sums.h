// How the loops of a sum are cut so that its rounding errors stay small however many terms there are.
#pragma once

#include <cstdint>
#include <vector>

namespace gradc {

/// Each term of a running sum is rounded to what the sum can hold, so a million ones times 0.1 in f32 are 1% off. A sum of more
/// terms than this is therefore cut: after so many terms as a chunk has, the running sum is added to a total and begins anew.
/// Totals are running sums too, and are cut likewise.
constexpr int64_t kLongestUncut = 4096;
constexpr int64_t kChunk = 64;

/// The loop over one axis of a reduction: over [0, points), which are a multiple of `step`, by `step`. `rest` more terms are
/// added behind it.
struct SumLoop {
  int axis;
  int64_t points, step = 1, rest = 0;
  /// Points of a chunk: of the largest chunks first, each of which is cut into the next smaller ones. At the end of a chunk
  /// what has been summed up in it is added to a total. Empty: the loop is not cut.
  std::vector<int64_t> chunks = {};
  /// The totals of the smallest chunks are of this level, those of the next larger ones of one more, and so on. The running
  /// sums that take the terms are of level 0.
  int level = 1;
};

/// Cuts nested loops, outermost first, of which an iteration of the innermost adds one term to every running sum. Returns the
/// highest level of totals; 0 when no loop is cut. It depends on the extents alone, and so does the sum.
int cut_sums(std::vector<SumLoop> &loops);

} // namespace gradc
