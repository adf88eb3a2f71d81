// stack: inputs of one shape one behind the other along a new axis.
#include "compiler/model/layers/layer.h"

#include <fmt/format.h>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  Shape output = equal_shapes(l);
  const int64_t written = l.attrs.integer_at("axis"), axis = axis_of(written, output.size() + 1);
  if (axis < 0 || axis > static_cast<int64_t>(output.size()))
    throw LayerError("axis", fmt::format("'{}' has shape {}; with one axis more it has no axis {}", l.inputs[0].name,
                                         to_string(output), written));
  output.insert(output.begin() + axis, static_cast<int64_t>(l.inputs.size()));
  return output;
}

Var build(const LayerBuild &b) {
  const int64_t dim = axis_of(b.attrs.integer_at("axis"), b.output.size()) + 1;
  Shape one = b.batched(b.output);
  one[static_cast<size_t>(dim)] = 1;
  std::vector<Var> parts;
  for (Var input : b.inputs)
    parts.push_back(reshape(input, one));
  return apply("concat", parts, {{"dim", dim}});
}

} // namespace

extern const LayerDef layer_stack;
const LayerDef layer_stack = {
    {"stack",
     "Its inputs, which have one shape, one behind the other along a new axis.",
     {attr::integer("axis", "the new axis of an example; negative counts from the end").defaults_to("0").decides_shape()}},
    1,
    kAnyNumber,
    shapes,
    build,
};

} // namespace gradc
