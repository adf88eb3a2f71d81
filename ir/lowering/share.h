// Values that several loop nests of a kernel need.
#pragma once

#include "ir/kernel.h"

namespace gradc {

/// Gives a stage of its own, so that it is computed once and handed on, to every expensive function that stages on different
/// axes evaluate, e.g. exp(x(i,j) - m(i)) for the sum and for the quotient of a softmax, and to every computed factor of a sum
/// of products, which would be computed again for each row or column. Leaves alone what would need a buffer beyond the
/// nearest cache.
void share_values(Kernel &);
/// Has nests read from memory what an earlier nest of the kernel has computed and stored there, where that is more than a buffer in
/// the nearest cache holds: the image that a convolution has written, for the sum over its pixels.
void read_stored_values(Kernel &);

} // namespace gradc
