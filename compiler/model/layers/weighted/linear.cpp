#include "compiler/model/layers/weighted/linear.h"

#include "compiler/model/layers/random/drop.h"
#include "compiler/model/layers/weighted/weight.h"
#include "compiler/model/tables/activations.h"
#include "compiler/model/tables/initializers.h"
#include "compiler/model/tables/schedules.h"

namespace gradc {

std::vector<Attr> activation_and_bias_keys() {
  return {attr::one_of("activation", activations(), "applied to the result").defaults_to("\"linear\""),
          attr::boolean("use_bias", "whether b is added").defaults_to("true")};
}

Attr linear_initializer_key(std::string_view name, std::string_view doc, std::string_view otherwise) {
  return attr::one_of(name, initializers(), doc).otherwise(otherwise);
}

Attr linear_initializer_key(std::string_view name, std::string_view doc) {
  static const std::string otherwise = "he_uniform before " + rectifier_names() + ", else xavier_uniform";
  return linear_initializer_key(name, doc, otherwise);
}

Attr bias_initializer_key() { return attr::one_of("bias_initializer", initializers(), "initial b").defaults_to("\"zeros\""); }

std::vector<Attr> with_linear_keys(std::vector<Attr> own) {
  for (Attr &key : activation_and_bias_keys())
    own.push_back(std::move(key));
  own.push_back(linear_initializer_key("weight_initializer", "initial W"));
  own.push_back(bias_initializer_key());
  own.push_back(scheduled(
      attr::number("drop_connect", "probability that a weight is 0 in a step of training, in which the others are scaled by 1 "
                                   "/ (1 - drop_connect) (Wan et al. 2013); the run-time argument <layer>.drop_connect when "
                                   "not 0")
          .at_least(0)
          .below(1)
          .defaults_to("0")));
  return with_weight_keys(std::move(own));
}

JsonValue linear_initializer(LayerShapes &l, const char *key, bool before_rectifier) {
  if (!l.attrs.find(key)) {
    JsonValue initializer = JsonValue::object(l.attrs.span);
    initializer.set("type", JsonValue::of(std::string(before_rectifier ? "he_uniform" : "xavier_uniform"), l.attrs.span));
    l.attrs.set(key, std::move(initializer));
  }
  return l.attrs.at(key);
}

bool rectifies(const JsonValue &attrs) { return find_activation(attrs.at("activation")).rectifier; }

void declare_bias(LayerShapes &l, int64_t units) {
  if (l.attrs.boolean_at("use_bias"))
    l.params.push_back({"bias", {units}, l.attrs.at("bias_initializer")});
}

void declare_linear(LayerShapes &l, Shape weight) {
  const int64_t units = weight.back();
  JsonValue initializer = linear_initializer(l, "weight_initializer", rectifies(l.attrs));
  l.params.push_back(weight_param(l, "weight", std::move(weight), std::move(initializer)));
  l.params.back().linear = true;
  if (const double rate = initial_of(l.attrs.at("drop_connect")); rate > 0)
    l.hypers.push_back({"drop_connect", rate});
  declare_bias(l, units);
}

Var linear_weight(const LayerBuild &b) {
  const Var weight = b.param("weight");
  if (!b.training || initial_of(b.attrs.at("drop_connect")) == 0)
    return weight;
  return zeroed_at_random(b, weight, b.hyper("drop_connect"), weight.type());
}

Var biased_and_activated(const LayerBuild &b, std::string_view weight, Var y) {
  y = b.calibrated(weight, y);
  if (b.attrs.boolean_at("use_bias"))
    y = y + b.param("bias");
  return activate(b.attrs.at("activation"), y);
}

} // namespace gradc
