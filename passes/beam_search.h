// A search for orders of kernels that need less memory.
#pragma once

#include "passes/order_problem.h"

namespace gradc {

/// An order whose peak is below `limit`; empty when none is found. Grows the most promising prefixes kernel by kernel: those of
/// the lowest peak, then the fewest live bytes, then the fewest kernels out of their given order. Effort is counted in
/// steps, not in time: equal input gives equal orders.
KernelOrder beam_search(const OrderProblem &, int64_t limit);

} // namespace gradc
