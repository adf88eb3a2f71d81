// dense: y = activation(x W + b) along the last axis.
#include "compiler/model/layers/random/drop.h"
#include "compiler/model/layers/weighted/weight.h"
#include "compiler/model/tables/activations.h"
#include "compiler/model/tables/initializers.h"
#include "compiler/model/tables/schedules.h"

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  const int64_t in = features(input), out = l.attrs.integer_at("units");
  if (!l.attrs.find("weight_initializer")) {
    const char *type = find_activation(l.attrs.at("activation")).rectifier ? "he_uniform" : "xavier_uniform";
    JsonValue initializer = JsonValue::object(l.attrs.span);
    initializer.set("type", JsonValue::of(std::string(type), l.attrs.span));
    l.attrs.set("weight_initializer", std::move(initializer));
  }
  l.params.push_back(weight_param(l, "weight", {in, out}, l.attrs.at("weight_initializer")));
  l.params.back().linear = true;
  if (const double rate = initial_of(l.attrs.at("drop_connect")); rate > 0)
    l.hypers.push_back({"drop_connect", rate});
  if (l.attrs.boolean_at("use_bias"))
    l.params.push_back({"bias", {out}, l.attrs.at("bias_initializer")});
  Shape output = input.shape;
  output.back() = out;
  return output;
}

/// W; with drop_connect, in training, each of its elements is 0 with that probability, the same for all rows of a batch.
Var weight_of(const LayerBuild &b) {
  const Var weight = b.param("weight");
  if (!b.training || initial_of(b.attrs.at("drop_connect")) == 0)
    return weight;
  return zeroed_at_random(b, weight, b.hyper("drop_connect"), weight.type());
}

Var build(const LayerBuild &b) {
  // One letter an axis, the batch among them: "abi,io->abo".
  const std::string outer = std::string("abcdefgh").substr(0, b.inputs[0].shape().size() - 1);
  const Var product = apply("contract", {b.inputs[0], weight_of(b)}, {{"indices", outer + "i,io->" + outer + "o"}});
  Var y = b.calibrated("weight", product);
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
     with_weight_keys({attr::integer("units", "size of the last axis of the output").at_least(1).at_most(kMaxDim),
      attr::one_of("activation", activations(), "applied to the result").defaults_to("\"linear\""),
      attr::boolean("use_bias", "whether b is added").defaults_to("true"),
      attr::one_of("weight_initializer", initializers(), "initial W")
          .otherwise(initializer_doc()),
      attr::one_of("bias_initializer", initializers(), "initial b").defaults_to("\"zeros\""),
      scheduled(attr::number("drop_connect", "probability that a weight is 0 in a step of training, in which the others are scaled by "
                                             "1 / (1 - drop_connect) (Wan et al. 2013); the run-time argument <layer>.drop_connect when "
                                             "not 0")
                    .at_least(0)
                    .below(1)
                    .defaults_to("0"))})},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
