// Which axes of a kernel the dims of a value may be, and what tells a good choice.
#pragma once

#include "ir/kernel.h"

namespace gradc {

/// The ways to give each dim of extent > 1 an axis of that extent that is not taken; the first takes the first axes. Not all
/// where there are very many. Adds axes where the kernel has too few.
std::vector<Index> namings(Kernel &, const Shape &, const std::set<int> &taken);

/// On how many different lists of axes its stages are.
size_t loops_of(const Kernel &);
/// The least there can be with another stage, on axes of these extents.
size_t least_loops_with(const Kernel &, const Shape &extents);
/// Loads of parameters that are loaded at another index too.
size_t repeated_loads(const Kernel &);

} // namespace gradc
