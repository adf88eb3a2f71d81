// What group_norm and instance_norm have in common.
#pragma once

#include "compiler/model/layers/normalization/affine.h"

namespace gradc {

/// The only input, normalized within each of the groups that its last axis makes, scaled and shifted.
Var normalized_in_groups(const LayerBuild &, int64_t groups);

} // namespace gradc
