// What passes may know beside the graph.
#pragma once

#include <cstdint>

namespace gradc {

/// A machine in the numbers that passes decide by. The default is the smallest that code may run on: a plan is one for all
/// targets of a shared object, and the same weights come out whatever machine compiled the model.
struct PassTarget {
  int64_t l1_bytes = 32 << 10;
  int64_t l2_bytes = 256 << 10;
};

struct PassOptions {
  PassTarget target = {};
};

} // namespace gradc
