// What one call of a kernel has to do, counted on its index notation, whatever code is made of it.
#pragma once

#include "ir/kernel.h"

namespace gradc {

struct KernelCost {
  double flop = 0;  // floating-point operations
  double bytes = 0; // of the distinct elements that are read, and of those that are written
};

/// Each distinct expression counts once a point of the axes it depends on, so work that the code repeats is not counted.
/// On f32 and f64 the arithmetic, sqrt, rsqrt, floor, minima, maxima and comparisons count 1, as does each term of a
/// reduction: a multiply-add is 2. Functions in the style of exp count 20 and pow counts 40, about what their
/// polynomials take. Signs, selections, casts, and all work on integers (indices, random bits) count nothing.
KernelCost cost_of(const Kernel &);

} // namespace gradc
