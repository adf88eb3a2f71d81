// Expensive values that several loop nests of a kernel need.
#pragma once

#include "ir/kernel.h"

namespace gradc {

/// Gives every expensive function that stages on different axes evaluate a stage of its own, so that it is computed once
/// and handed on: exp(x(i,j) - m(i)) for the sum and for the quotient of a softmax. Leaves alone what would need a buffer
/// beyond the nearest cache.
void share_expensive(Kernel &);

} // namespace gradc
