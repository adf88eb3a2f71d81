// rms_norm: each example with a mean square of 1 along axes. Zhang and Sennrich 2019; as torch.nn.RMSNorm.
#include "compiler/model/layers/normalization/affine.h"
#include "compiler/model/layers/normalization/axes.h"
#include "compiler/model/layers/normalization/moments.h"

#include <limits>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  declare_affine(l, normalized_shape(l));
  return l.inputs[0].shape;
}

double epsilon_of(const LayerBuild &b) {
  if (const JsonValue *written = b.attrs.find("epsilon"))
    return written->number;
  return b.dtype == DType::f32 ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
}

Var build(const LayerBuild &b) {
  const Var x = b.inputs[0];
  const Var mean_square = mean(square(x), normalized_axes(b), true);
  return scaled(b, x * apply("rsqrt", {mean_square + epsilon_of(b)}), beside_example(b));
}

} // namespace

extern const LayerDef layer_rms_norm;
const LayerDef layer_rms_norm = {
    {"rms_norm",
     "x / sqrt(mean(x^2) + epsilon) * scale with the mean of an example along `axes`, which the scale has, too.",
     [] {
       std::vector<Attr> keys = scale_keys();
       keys.insert(keys.begin(),
                   {axes_key(), attr::number("epsilon", "added to the mean square")
                                    .above(0)
                                    .otherwise("the spacing of numbers at 1: 1.1920929e-07, in f64 2.220446049250313e-16")});
       return keys;
     }()},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
