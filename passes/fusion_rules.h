// What makes a region worth one kernel, judged on the kernel it would become.
#pragma once

#include "ir/kernel.h"

namespace gradc {

/// Empty when the kernel is a good one; otherwise the reason to keep its parts separate.
std::string why_not_one_kernel(const Kernel &);
/// Whether a contraction of the kernel hands tiles of its rows to other loops.
bool tiles_rows(const Kernel &);

} // namespace gradc
