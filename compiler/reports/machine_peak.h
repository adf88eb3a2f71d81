// What this machine can do at most: multiply-adds in registers, and copying through memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace gradc {

/// One step of work of one thread; returns how much it did.
using Work = std::function<double()>;
/// Floating-point operations of f32, as wide as the processor has them; without fused multiply-add, products and sums.
Work multiply_adds(int64_t rounds);
/// Bytes read and written by copying the next 1 MiB of one block to another, both of this size.
Work copying(size_t block_bytes);

/// Runs `steps` of each, a thread each, on processors of their own where there are enough, all starting together.
/// Returns the nanoseconds of the slowest.
int64_t time_together(std::vector<Work> &work, int64_t steps);

/// GFLOP/s of one core in f32, the best of a few short attempts.
double multiply_add_peak();

struct MachinePeak {
  int threads = 1;
  double gflops = 0; // of one core, times threads
  double gbytes = 0; // read and written by all threads together, per second
};
/// Takes about a tenth of a second. `float_bytes`: 4 for f32, 8 for f64, of which a vector holds half as many.
MachinePeak measure_peak(int threads, int64_t float_bytes);

} // namespace gradc
