// noise: in training, Gaussian noise is added; else the identity. Bishop 1995.
#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/schedules.h"

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  l.hypers.push_back({"stddev", initial_of(l.attrs.at("stddev"))});
  return l.inputs[0].shape;
}

Var build(const LayerBuild &b) {
  const Var x = b.inputs[0];
  if (!b.training)
    return x;
  return x + b.hyper("stddev") * apply("random_normal", {b.seed, b.step}, {{"stream", b.stream}}, x.type());
}

} // namespace

extern const LayerDef layer_noise;
const LayerDef layer_noise = {
    {"noise",
     "Adds normal noise of mean 0 in training.",
     {scheduled(attr::number("stddev", "its standard deviation; the run-time argument <layer>.stddev").at_least(0))}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
