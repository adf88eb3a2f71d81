// What makes a region worth one kernel, judged on the kernel it would become.
#pragma once

#include "ir/kernel.h"
#include "passes/pass_options.h"

namespace gradc {

constexpr size_t kMaxTensors = 32; // of a kernel: each is an address in a register, and a stream of memory

/// Empty when the kernel is a good one; otherwise the reason to keep its parts separate.
std::string why_not_one_kernel(const Kernel &, const PassTarget &);
/// Whether a contraction of the kernel hands tiles of its rows to other loops.
bool tiles_rows(const Kernel &, const PassTarget &);

} // namespace gradc
