#include "compiler/model/layers/weighted/weight.h"

#include "compiler/model/tables/constraints.h"
#include "compiler/model/tables/schedules.h"

#include <algorithm>

namespace gradc {

static std::vector<Attr> weight_keys() {
  const auto amount = [](std::string_view key, std::string_view doc) { return scheduled(attr::number(key, doc).at_least(0).defaults_to("0")); };
  return {
      amount("l1", "adds l1 * sum(|W|) to the loss; the run-time argument <layer>.l1 when not 0"),
      amount("l2", "adds l2 * sum(W^2) to the loss; the run-time argument <layer>.l2 when not 0"),
      amount("proximal_l1", "after every update each weight moves towards 0 by rate * proximal_l1 and stops there, so that weights become "
                            "exactly 0 (Parikh and Boyd 2014, 6.5.2); with sgd this is the lasso, with momentum m it is 1 - m times as "
                            "strong, and rules such as adam scale gradients but not this; the run-time argument <layer>.proximal_l1 when not 0"),
      amount("weight_noise", "standard deviation of normal noise that W has in each step of training; the run-time argument "
                             "<layer>.weight_noise when not 0"),
      attr::one_of("constraint", constraints(), "what W is made to keep after every update").otherwise("none"),
      attr::boolean("spectral_norm", "W is divided by an estimate of its largest singular value, as by "
                                     "torch.nn.utils.parametrizations.spectral_norm")
          .defaults_to("false"),
  };
}

std::vector<Attr> with_weight_keys(std::vector<Attr> own) {
  for (Attr &key : weight_keys())
    own.push_back(std::move(key));
  return own;
}

bool is_weight_key(std::string_view key) {
  const std::vector<Attr> keys = weight_keys();
  return key == "trainable" || key.ends_with("initializer") || std::ranges::find(keys, key, &Attr::name) != keys.end();
}

LayerParam weight_param(LayerShapes &l, std::string name, Shape shape, JsonValue initializer) {
  LayerParam param{std::move(name), std::move(shape), std::move(initializer)};
  const std::pair<const char *, std::string &> amounts[] = {
      {"l1", param.l1}, {"l2", param.l2}, {"proximal_l1", param.proximal_l1}, {"weight_noise", param.noise}};
  for (const auto &[key, hyper] : amounts)
    if (const double value = initial_of(l.attrs.at(key)); value > 0) {
      hyper = key;
      if (std::ranges::find(l.hypers, hyper, &LayerHyper::name) == l.hypers.end()) // several weights may share it
        l.hypers.push_back({key, value});
    }
  if (const JsonValue *constraint = l.attrs.find("constraint"))
    param.constraint = *constraint;
  param.spectral_norm = l.attrs.boolean_at("spectral_norm");
  return param;
}

} // namespace gradc
