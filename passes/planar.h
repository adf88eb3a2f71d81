// Values of few channels lie channel by channel.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Turns what convolutions make with fewer channels than a vector has lanes, from [n, p, q, c] to [n, c, p, q], and with it what is
/// computed from that: vectors then run along the pixels of a row, of which there are many. What is returned, written to a state or
/// read by an op that has no such form, such as a reshape of pixels and channels into one axis, is turned back by a `transpose`.
/// Leaves alone values whose rows have few pixels, and graphs that have kernels already.
bool planar(Graph &);

} // namespace gradc
