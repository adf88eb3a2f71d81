// Views that show every element of their operand, one for each reader.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// Gives every reader of a view that has as many elements as its operand or more, such as the windows of a pool, a view of its
/// own. A view is no work inside a kernel, but readers in two kernels would share it through memory: the way back of a maximum
/// of windows would read all windows instead of the image. Leaves alone reshapes, which are no memory, and nodes that are in
/// kernels already.
bool separate_views(Graph &);

} // namespace gradc
