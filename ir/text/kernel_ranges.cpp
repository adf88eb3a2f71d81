// What a kernel text must not exceed, so that nothing that is calculated from it later leaves 64 bits.
#include "ir/text/kernel_text.h"

#include <algorithm>

namespace gradc {

void check_points(const Kernel &kernel, const Stage &stage) {
  Shape extents;
  for (const std::vector<int> &axes : {stage.axes, stage.reduce})
    for (int axis : axes)
      extents.push_back(std::max<int64_t>(kernel.axes[static_cast<size_t>(axis)].extent, 1));
  element_count(extents);
}

void check_position(const Kernel &kernel, const Shape &shape, const Index &index) {
  int64_t reach = 0, stride = 1;
  auto add = [&](int64_t coefficient, int64_t times) {
    const int64_t steps = checked_multiply(checked_multiply(coefficient, stride), times);
    reach = checked_add(reach, steps < 0 ? checked_multiply(steps, -1) : steps);
  };
  for (size_t d = shape.size(); d-- > 0; stride = checked_multiply(stride, std::max<int64_t>(shape[d], 1))) {
    add(index[d].offset, 1);
    for (const IndexTerm &term : index[d].terms)
      add(term.coefficient, term.is_axis ? kernel.axes[static_cast<size_t>(term.id)].extent : 1);
  }
}

} // namespace gradc
