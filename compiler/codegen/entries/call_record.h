// What code that is compiled for profiling writes down about the kernels it calls.
#pragma once

#include <cstdint>

namespace gradc {

/// Of one kernel call of an entry. gradc_entry.context points to one for each, in the order of called_kernels. Times are
/// ticks of the processor's cycle counter; a call begins where the one before it ended.
struct CallRecord {
  uint64_t calls = 0, ticks = 0; // of all calls so far
  uint64_t begin = 0, end = 0;   // of the last
};

} // namespace gradc
