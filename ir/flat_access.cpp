#include "ir/flat_access.h"

namespace gradc {

FlatAccess flatten(const Kernel &kernel, const Shape &shape, const Index &index) {
  FlatAccess flat;
  flat.coefficients.assign(kernel.axes.size(), 0);
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0; stride = checked_multiply(stride, shape[d])) {
    flat.offset = checked_add(flat.offset, checked_multiply(stride, index[d].offset));
    for (const IndexTerm &term : index[d].terms) {
      const int64_t step = checked_multiply(stride, term.coefficient);
      if (!term.is_axis) {
        flat.computed.emplace_back(step, term.id);
        continue;
      }
      int64_t &coefficient = flat.coefficients[static_cast<size_t>(term.id)];
      coefficient = checked_add(coefficient, step);
    }
  }
  return flat;
}

bool may_leave(const Kernel &kernel, const IndexExpr &index, int64_t extent) {
  if (!index.is_affine())
    return true;
  int64_t low = index.offset, high = index.offset;
  for (const IndexTerm &t : index.terms) {
    const int64_t reach = checked_multiply(t.coefficient, kernel.axes[static_cast<size_t>(t.id)].extent - 1);
    int64_t &bound = reach < 0 ? low : high;
    bound = checked_add(bound, reach);
  }
  return low < 0 || high >= extent;
}

FlatAccess flatten(const Kernel &kernel, const Expr &load) {
  return flatten(kernel, kernel.params[static_cast<size_t>(load.target)].type.shape, load.index);
}

} // namespace gradc
