// Index notation of ops as indices of a kernel.
#pragma once

#include "ir/kernel.h"
#include "ir/subscripts.h"

namespace gradc {

/// Where an operand is read: `point` has the index of each letter of `letters`.
Index affine_index(const Subscripts &, std::string_view letters, const Index &point);

} // namespace gradc
