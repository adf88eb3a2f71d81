// The index of an element counted in row-major order.
#pragma once

#include "ir/type.h"

namespace gradc {

inline std::vector<int64_t> index_of(const Shape &shape, int64_t element) {
  std::vector<int64_t> index(shape.size());
  for (size_t d = shape.size(); d-- > 0; element /= shape[d])
    index[d] = element % shape[d];
  return index;
}

} // namespace gradc
