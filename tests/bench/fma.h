// What one core can do at most: independent vector multiply-adds in registers, as compiled for this machine.
#pragma once

#include <cstdint>

namespace gradc::bench {

/// Does `rounds` of them and returns the floating-point operations that were; 0 without fused multiply-add.
double fma_rounds(int64_t rounds);

/// GFLOP/s of one core, the best of a few short attempts.
double fma_peak();

} // namespace gradc::bench
