// What global_average_pool and global_max_pool share: the reduction of all axes of an example but the last, the channels.
#pragma once

#include "compiler/model/layers/layer.h"

namespace gradc {

/// "keep".
std::vector<Attr> global_pool_keys();
Shape global_pool_shapes(LayerShapes &);
/// The only input reduced by the op, "sum" or "max".
Var pooled(const LayerBuild &, std::string_view op);

} // namespace gradc
