// layer_norm: each example with mean 0 and variance 1 along axes. Ba, Kiros and Hinton 2016; as torch.nn.LayerNorm.
#include "compiler/model/layers/normalization/affine.h"
#include "compiler/model/layers/normalization/axes.h"
#include "compiler/model/layers/normalization/moments.h"

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  declare_affine(l, normalized_shape(l));
  return l.inputs[0].shape;
}

Var build(const LayerBuild &b) {
  const Moments m = moments(b.inputs[0], normalized_axes(b), true);
  const Var factor = one_over_deviation(m, b.attrs.number_at("epsilon"));
  const Shape as = beside_example(b);
  const Var rest = m.rest * factor;
  return shifted(b, scaled(b, m.centered * factor - rest, as), as);
}

} // namespace

extern const LayerDef layer_layer_norm;
const LayerDef layer_layer_norm = {
    {"layer_norm",
     "(x - mean) / sqrt(variance + epsilon) * scale + offset with the mean and the variance of an example along `axes`, which scale and "
     "offset have, too.",
     with_epsilon({axes_key()}, affine_keys(true))},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
