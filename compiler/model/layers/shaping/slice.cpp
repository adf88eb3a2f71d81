// slice: a range of an axis.
#include "compiler/model/layers/layer.h"

#include <fmt/format.h>

namespace gradc {
namespace {

struct Range {
  int64_t start, stop, step;
};

/// Of an axis of that extent, counted from its beginning.
Range range_of(const JsonValue &attrs, int64_t extent) {
  const auto counted = [&](int64_t index) { return index < 0 ? index + extent : index; };
  return {counted(attrs.integer_at("start")), attrs.find("stop") ? counted(attrs.integer_at("stop")) : extent,
          attrs.integer_at("step")};
}

Shape shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  const size_t axis = require_axis(input, "axis", l.attrs.integer_at("axis"));
  Shape output = input.shape;
  const auto [start, stop, step] = range_of(l.attrs, output[axis]);
  if (start < 0 || start >= stop || stop > output[axis])
    throw LayerError(l.attrs.find("stop") ? "stop" : "start",
                     fmt::format("axis {} of '{}', shape {}, has no elements from {} to {}", axis, input.name,
                                 to_string(output), start, stop));
  output[axis] = (stop - start + step - 1) / step;
  return output;
}

Var build(const LayerBuild &b) {
  const Var x = b.inputs[0];
  const auto axis = static_cast<size_t>(axis_of(b.attrs.integer_at("axis"), b.output.size()) + 1);
  const auto [start, stop, step] = range_of(b.attrs, x.shape()[axis]);
  std::vector<int64_t> starts(x.shape().size(), 0), limits = x.shape(), strides(x.shape().size(), 1);
  starts[axis] = start, limits[axis] = stop, strides[axis] = step;
  return apply("slice", {x}, {{"starts", starts}, {"limits", limits}, {"strides", strides}});
}

} // namespace

extern const LayerDef layer_slice;
const LayerDef layer_slice = {
    {"slice",
     "The elements `start`, `start` + `step`, ... before `stop` along an axis. For several ranges: several layers.",
     {attr::integer("axis", "of an example; negative counts from the end").defaults_to("-1").decides_shape(),
      attr::integer("start", "the first element; negative counts from the end").defaults_to("0").decides_shape(),
      attr::integer("stop", "the element to stop before; negative counts from the end").otherwise("all to the end"),
      attr::integer("step", "from one element to the next").at_least(1).at_most(kMaxDim).defaults_to("1").decides_shape()}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
