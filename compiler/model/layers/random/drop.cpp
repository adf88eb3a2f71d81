#include "compiler/model/layers/random/drop.h"

#include "compiler/model/tables/schedules.h"

namespace gradc {

Attr drop_rate(std::string_view doc) { return scheduled(attr::number("rate", doc).at_least(0).below(1).defaults_to("0.5")); }

Shape drop_shapes(LayerShapes &l) {
  l.hypers.push_back({"rate", initial_of(l.attrs.at("rate"))});
  return l.inputs[0].shape;
}

Var uniform_of_layer(const LayerBuild &b, const Type &type) {
  return apply("random_uniform", {b.seed, b.step}, {{"stream", b.stream}}, type);
}

Var zeroed_at_random(const LayerBuild &b, Var x, Var rate, const Type &drawn) {
  const Var uniform = uniform_of_layer(b, drawn);
  return select(less(uniform, rate), number_like(x, 0), x * (1 / (1 - rate)));
}

} // namespace gradc
