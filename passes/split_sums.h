// Long sums over a batch, by example.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Cuts what is summed over a batch and over more besides in two: first a sum for every example, or for a few together where
/// one is small, then the sum of these. So the gradient of a convolution's weights, which is a sum over all pixels of all
/// images, becomes one gradient for each image, whose pixels are at hand only while that image is worked on; threads share the
/// images out; and no running sum is long. Where there is one image, it is cut into rows. How it is cut depends on extents alone.
/// Applies to contractions that read an operand at sums of letters, and to `sum`, where the first axis of the operands is summed over with
/// others. Leaves alone whole numbers, whose sums nobody needs to be in pieces, and graphs that have kernels already.
bool split_sums(Graph &);

} // namespace gradc
