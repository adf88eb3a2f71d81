// What is cheap is computed again rather than kept.
#pragma once

#include "ir/graph.h"
#include "passes/pass_options.h"

namespace gradc {

/// Large values that follow from one other large value in memory, by cheap operations with vectors or scalars beside it, are computed again in the
/// kernels that read them, instead of being stored and read: of a batch normalization only the convolution's output is kept for
/// the backward pass, and neither the centred nor the normalized values. No kernel then reads more large values than before. A
/// value that some reader needs in memory, such as a factor of a contraction, stays as it is.
/// For fused graphs; gives them other kernels.
bool recompute(Graph &, const PassOptions & = {});

} // namespace gradc
