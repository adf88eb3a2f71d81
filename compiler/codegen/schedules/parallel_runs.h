// Which kernels of an entry threads work through together, without waiting for each other in between.
#pragma once

#include "compiler/codegen/schedules/loop_schedule.h"
#include "ir/lowering/lower.h"

namespace gradc {

/// Consecutive kernels of an entry that are called together: [first, first + count).
struct ParallelRun {
  size_t first = 0, count = 0;
  int64_t iterations = 1; // the most that one of them has: what threads share out
  bool forks = false;     // worth waking threads; otherwise its kernels are called one after the other
};

/// Cuts the kernels of a planned graph into runs; schedules[i] is that of kernels[i].
///
/// Kernel B joins the run of the kernels before it where, for each kernel A of them, share s of B touches only what share
/// s of A touches, of all bytes that one of the two writes and the other touches. Bytes count, not values: the plan uses
/// them again. So either there are no such bytes, and then A and B may even differ in their iterations; or
///   * they hold one value, seen by both kernels in the same shape: views count as what they view;
///   * one dim is indexed by the partitioned axis itself in every access of the value, in A as in B. What is read in
///     vain counts: the first element where a padded access is out of bounds, all of a lone block that is packed;
///   * both cut that dim at the same places, into the same tiles.
/// A kernel that is serial or has less than two iterations is a run of its own, and a run ends after 64 kernels.
///
/// Waking threads is paid once a run, so it is the cycles of all its kernels that must be worth it. With `apart` every
/// kernel is a run of its own.
std::vector<ParallelRun> parallel_runs(const Graph &, const std::vector<LoweredKernel> &kernels,
                                       const std::vector<LoopSchedule> &schedules, const Target &, bool apart = false);

} // namespace gradc
