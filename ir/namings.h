// Which axes of a kernel the dims of a value may be.
#pragma once

#include "ir/kernel.h"

namespace gradc {

/// The ways to give each dim of extent > 1 an axis of that extent that is not taken; the first takes the first axes. Not all
/// where there are very many. Adds axes where the kernel has too few.
std::vector<Index> namings(Kernel &, const Shape &, const std::set<int> &taken);

} // namespace gradc
