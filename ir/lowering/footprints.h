// What a convolution reads of its operand, copied once.
#pragma once

#include "ir/kernel.h"

namespace gradc {

/// Gives a stage of its own to each factor of a sum of products that is read with padding. The stage holds the footprint of one
/// iteration of the outer loops: all elements that the iteration reads, with the padding stored around them. So the sum reads it
/// without a question. In
///
///     y(n,p,q,o) = sum r, s, c: x[n, p+r-1, q+s-1, c] pad 0 * w[r,s,c,o]
///
/// the footprint of an n is f(n,h,w,c) = x[n, h-1, w-1, c] pad 0, and the sum reads f(n, p+r, q+s, c). Where it would be large,
/// or where there are few n to share out among threads, the loop over p is cut in two, and its outer part counts as an outer loop.
/// Leaves alone what has no outer loop.
void add_footprints(Kernel &);

} // namespace gradc
