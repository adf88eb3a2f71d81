// clip: numbers outside a range become its ends.
#include "compiler/model/layers/layer.h"

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const JsonValue *min = l.attrs.find("min"), *max = l.attrs.find("max");
  if (!min && !max)
    throw LayerError("type", "clip needs 'min' or 'max'");
  if (min && max && min->number > max->number)
    throw LayerError("min", "'min' is above 'max'");
  return l.inputs[0].shape;
}

/// The slope is 1 where nothing changes, at both ends too, as that of torch.clamp.
Var build(const LayerBuild &b) {
  const Var x = b.inputs[0], fixed = stop_gradient(x);
  Var y = fixed;
  if (const JsonValue *min = b.attrs.find("min"))
    y = maximum(y, number_like(x, min->number));
  if (const JsonValue *max = b.attrs.find("max"))
    y = minimum(y, number_like(x, max->number));
  return with_gradient_of(y, select(equal(y, fixed), x, y));
}

} // namespace

extern const LayerDef layer_clip;
const LayerDef layer_clip = {
    {"clip",
     "x between `min` and `max`; the slope is 1 from one to the other and 0 outside.",
     {attr::number("min", "the least value").otherwise("no limit"),
      attr::number("max", "the largest value").otherwise("no limit")}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
