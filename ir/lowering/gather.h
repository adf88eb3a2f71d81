// The order of a kernel's stages.
#pragma once

#include "ir/kernel.h"

namespace gradc {

/// Moves stages next to those on the same axes that use them, as far as dependences allow, so that they share a loop nest: an
/// update beside the gradient it consumes, and both behind what still reads the old parameter.
void gather_nests(Kernel &);

} // namespace gradc
