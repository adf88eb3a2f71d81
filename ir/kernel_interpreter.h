// The meaning of the kernel IR, point by point: what code generation is compared with.
#pragma once

#include "ir/kernel.h"
#include "ir/tensor.h"

namespace gradc {

/// Runs a kernel on one tensor a parameter, in order; those written are changed. Floats are computed in double and rounded
/// to each expression's dtype. Throws Error when a tensor has another type than its parameter.
void interpret_kernel(const Kernel &, std::vector<Tensor> &params);

} // namespace gradc
