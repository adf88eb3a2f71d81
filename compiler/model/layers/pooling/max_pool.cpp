// What max_pool1d and max_pool2d have in common. Padding is below every number; NaN passes. The gradient of a window goes to
// the first of its largest elements, so that of each window one position is kept for the way back.
#include "compiler/model/layers/pooling/pool.h"

#include <limits>

namespace gradc {

std::vector<Attr> max_pool_keys(size_t axes) {
  std::vector<Attr> keys =
      pool_keys(axes, "elements around the image that are no maximum: none (valid), as many as give the output the extents of "
                      "the input divided by the strides (same), or for all axes or each axis how many, on both sides or "
                      "[before, after]");
  keys.push_back(dilation_key(axes));
  keys.push_back(ceil_mode_key());
  return keys;
}

Var build_max_pool(const LayerBuild &b) {
  const auto [view, elements] = windows_of(b.inputs[0], pool_axes(b), -std::numeric_limits<double>::infinity());
  return elements.empty() ? view : apply("max", {view}, {{"axes", elements}, {"ties", std::string("first")}});
}

} // namespace gradc
