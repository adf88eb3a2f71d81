// dense: y = activation(x W + b) along the last axis.
#include "compiler/model/tables/activations.h"
#include "compiler/model/tables/initializers.h"
#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/schedules.h"

#include <fmt/format.h>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  if (input.shape.empty())
    throw LayerError("", fmt::format("needs at least one axis, but '{}' has shape []", input.name));
  const int64_t in = input.shape.back(), out = l.attrs.integer_at("units");
  if (!l.attrs.find("weight_initializer")) {
    const char *type = find_activation(l.attrs.at("activation")).rectifier ? "he_uniform" : "xavier_uniform";
    JsonValue initializer = JsonValue::object(l.attrs.span);
    initializer.set("type", JsonValue::of(std::string(type), l.attrs.span));
    l.attrs.set("weight_initializer", std::move(initializer));
  }
  LayerParam weight{"weight", {in, out}, l.attrs.at("weight_initializer"), "", ""};
  if (const double l1 = initial_of(l.attrs.at("l1")); l1 > 0)
    l.hypers.push_back({weight.l1 = "l1", l1});
  if (const double l2 = initial_of(l.attrs.at("l2")); l2 > 0)
    l.hypers.push_back({weight.l2 = "l2", l2});
  l.params.push_back(std::move(weight));
  if (l.attrs.boolean_at("use_bias"))
    l.params.push_back({"bias", {out}, l.attrs.at("bias_initializer"), "", ""});
  Shape output = input.shape;
  output.back() = out;
  return output;
}

Var build(const LayerBuild &b) {
  // One letter an axis, the batch among them: "abi,io->abo".
  const std::string outer = std::string("abcdefgh").substr(0, b.inputs[0].shape().size() - 1);
  Var y = apply("contract", {b.inputs[0], b.param("weight")}, {{"indices", outer + "i,io->" + outer + "o"}});
  if (b.attrs.boolean_at("use_bias"))
    y = y + b.param("bias");
  return activate(b.attrs.at("activation"), y);
}

std::string_view initializer_doc() {
  static const std::string doc = "he_uniform before " + rectifier_names() + ", else xavier_uniform";
  return doc;
}

} // namespace

extern const LayerDef layer_dense;
const LayerDef layer_dense = {
    {"dense",
     "activation(x W + b) along the last axis; W is [inputs, units].",
     {attr::integer("units", "size of the last axis of the output").at_least(1).at_most(kMaxDim),
      attr::one_of("activation", activations(), "applied to the result").defaults_to("\"linear\""),
      attr::boolean("use_bias", "whether b is added").defaults_to("true"),
      attr::one_of("weight_initializer", initializers(), "initial W")
          .otherwise(initializer_doc()),
      attr::one_of("bias_initializer", initializers(), "initial b").defaults_to("\"zeros\""),
      scheduled(attr::number("l1", "adds l1 * sum(|W|) to the loss; the run-time argument <layer>.l1 when not 0")
                    .at_least(0)
                    .defaults_to("0")),
      scheduled(attr::number("l2", "adds l2 * sum(W^2) to the loss; the run-time argument <layer>.l2 when not 0")
                    .at_least(0)
                    .defaults_to("0"))}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
