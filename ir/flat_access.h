// An access of a kernel as a position in memory, where tensors lie row by row.
#pragma once

#include "ir/kernel.h"

namespace gradc {

/// element = offset + sum of coefficient[axis] * axis + sum of coefficient * computed expression
struct FlatAccess {
  int64_t offset = 0;
  std::vector<int64_t> coefficients; // one an axis of the kernel
  std::vector<std::pair<int64_t, ExprId>> computed;
  friend bool operator==(const FlatAccess &, const FlatAccess &) = default;
};
/// The access of a tensor of this shape at `index`. Throws Overflow.
FlatAccess flatten(const Kernel &, const Shape &shape, const Index &index);
/// Whether an index may be outside [0, extent) for some point of the axes. A computed term may be anything.
bool may_leave(const Kernel &, const IndexExpr &, int64_t extent);
/// The access of a load.
FlatAccess flatten(const Kernel &, const Expr &load);

} // namespace gradc
