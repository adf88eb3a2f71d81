// normalize: vectors of length 1.
#include "compiler/model/layers/layer.h"

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  require_axis(l.inputs[0], "axis", l.attrs.integer_at("axis"));
  return l.inputs[0].shape;
}

/// x / max(|x|, epsilon). The maximum is that of squares, as the root has no slope at 0.
Var build(const LayerBuild &b) {
  const Var x = b.inputs[0];
  const double epsilon = b.attrs.number_at("epsilon");
  const Var squares = sum(square(x), {axis_of(b.attrs.integer_at("axis"), b.output.size()) + 1}, true);
  return x / sqrt(maximum(squares, number_like(x, epsilon * epsilon)));
}

} // namespace

extern const LayerDef layer_normalize;
const LayerDef layer_normalize = {
    {"normalize",
     "x divided by its Euclidean length along an axis, as torch.nn.functional.normalize: x / max(|x|, epsilon).",
     {attr::integer("axis", "of an example; negative counts from the end").defaults_to("-1"),
      attr::number("epsilon", "the least length to divide by").at_least(1e-18).defaults_to("1e-12")}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
