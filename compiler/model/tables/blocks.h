// Blocks: lists of layers that a model file names and uses as one layer, or several times.
#pragma once

#include "compiler/model/tables/attributes.h"

namespace gradc {

/// One block: the arguments it takes, the inputs it has, its layers.
const ObjectSpec &block_spec();
/// A layer that is a block.
const ObjectSpec &block_use_spec();

} // namespace gradc
