// The order of the kernels.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Reorders the kernels of a fused graph where that lowers the peak of live bytes, counting what can be written in
/// place of an operand: a beam search over the orders that data and the overwriting of state allow, improved by moving
/// single kernels. Among orders of the same peak it stays close to the given one, in which consumers follow producers
/// while their operands are in the cache; where no better peak is found, the order is left as it is. Leaves alone the
/// kernels themselves, and graphs without any.
bool order(Graph &);

} // namespace gradc
