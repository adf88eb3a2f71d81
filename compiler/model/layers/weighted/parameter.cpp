// parameter: a trainable tensor on its own.
#include "compiler/model/layers/weighted/weight.h"
#include "compiler/model/tables/initializers.h"

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  Shape shape;
  for (const JsonValue &dim : l.attrs.at("shape").items)
    shape.push_back(dim.integer);
  if (!l.attrs.find("initializer")) {
    JsonValue initializer = JsonValue::object(l.attrs.span);
    initializer.set("type", JsonValue::of(std::string(shape.size() < 2 ? "zeros" : "xavier_uniform"), l.attrs.span));
    l.attrs.set("initializer", std::move(initializer));
  }
  if (shape.size() < 2 && l.attrs.boolean_at("spectral_norm"))
    throw LayerError("spectral_norm", "'spectral_norm' is of matrices; a parameter of shape " + to_string(shape) + " has none");
  l.params.push_back(weight_param(l, "value", shape, l.attrs.at("initializer")));
  l.per_example = false;
  return shape;
}

Var build(const LayerBuild &b) { return b.param("value"); }

} // namespace

extern const LayerDef layer_parameter;
const LayerDef layer_parameter = {
    {"parameter",
     "A trainable tensor, one for the whole batch: it has no batch axis. Layers that read it beside values of examples see it "
     "once for each example, an `op` as it is.",
     with_weight_keys(
         {attr::list("shape", attr::integer("", "").at_least(1).at_most(kMaxDim), "its shape; [] is a single number")
              .items(0, kMaxRank - 1),
          attr::one_of("initializer", initializers(), "its initial values")
              .otherwise("xavier_uniform where it has two axes or more, else zeros")})},
    0,
    0,
    shapes,
    build,
    false,
    true,
};

} // namespace gradc
