// The optimizers, with the formulas, names and defaults of PyTorch's torch.optim: epsilon is added outside
// the root, the first step of a momentum buffer is the gradient itself, weight decay is added to the gradient
// (adamw: decoupled).
#include "compiler/model/tables/optimizers.h"

#include "compiler/model/tables/schedules.h"
#include "ir/error.h"

#include <cmath>

namespace gradc {
namespace {

using Names = std::vector<std::string_view>;

Var sgd(const OptimizerStep &s) { return s.w - s.learning_rate * s.g; }

/// v = momentum v + g
Var velocity(const OptimizerStep &s, Var g) {
  const Var v = s.attrs.number_at("momentum") * s.slot("v") + g;
  s.set_slot("v", v);
  return v;
}

Var momentum(const OptimizerStep &s) { return s.w - s.learning_rate * velocity(s, s.g); }

Var nesterov(const OptimizerStep &s) {
  return s.w - s.learning_rate * (s.g + s.attrs.number_at("momentum") * velocity(s, s.g));
}

Var adagrad(const OptimizerStep &s) {
  const Var total = s.slot("sum") + square(s.g);
  s.set_slot("sum", total);
  return s.w - s.learning_rate * s.g / (sqrt(total) + s.attrs.number_at("epsilon"));
}

/// The moving average b a + (1 - b) x, which becomes the slot's value.
Var average(const OptimizerStep &s, std::string_view slot, double b, Var x) {
  const Var a = b * s.slot(slot) + (1 - b) * x;
  s.set_slot(slot, a);
  return a;
}

Var rmsprop(const OptimizerStep &s) {
  const Var a = average(s, "s", s.attrs.number_at("alpha"), square(s.g));
  const Var direction = s.g / (sqrt(a) + s.attrs.number_at("epsilon"));
  return s.w - s.learning_rate * (s.attrs.number_at("momentum") > 0 ? velocity(s, direction) : direction);
}

/// 1 - b^n, f64[]: the weights of a moving average that began at 0 sum to this after n steps. Computed without
/// cancellation.
Var collected(double b, Var n) { return b == 0 ? number_like(n, 1) : -expm1(std::log(b) * n); }

/// Kingma and Ba 2015: w - rate m' / (sqrt(v') + epsilon) with m' and v' the averages divided by what they
/// have collected.
Var adam(const OptimizerStep &s) {
  const double b1 = s.attrs.number_at("beta1"), b2 = s.attrs.number_at("beta2");
  const Var m = average(s, "m", b1, s.g), v = average(s, "v", b2, square(s.g));
  const DType dtype = s.w.dtype();
  const Var rate = s.learning_rate * cast(1 / collected(b1, s.count), dtype);
  const Var root = sqrt(v) * cast(1 / sqrt(collected(b2, s.count)), dtype);
  return s.w - rate * m / (root + s.attrs.number_at("epsilon"));
}

/// Loshchilov and Hutter 2019: the decay acts on the weights, not through the averages.
Var adamw(const OptimizerStep &s) {
  OptimizerStep decayed = s;
  if (s.weight_decay)
    decayed.w = s.w * (1 - s.learning_rate * *s.weight_decay);
  return adam(decayed);
}

std::vector<Attr> adam_keys() {
  return {
      attr::number("beta1", "decay of the average of the gradient").at_least(0).below(1).defaults_to("0.9"),
      attr::number("beta2", "decay of the average of its square").at_least(0).below(1).defaults_to("0.999"),
      attr::number("epsilon", "added to the root").above(0).defaults_to("1e-8")};
}

Attr rate(std::string_view default_json) {
  return attr::one_of("learning_rate", schedules(),
                      "the rate; the run-time argument learning_rate is its initial value")
      .defaults_to(default_json);
}

Attr decay(std::string_view default_json) {
  return attr::number("weight_decay", "pull towards 0; the run-time argument weight_decay when not 0")
      .at_least(0)
      .defaults_to(default_json);
}

Attr clip_norm() {
  return attr::number("clip_norm", "gradients are scaled down so that the norm of all of them together is at most "
                                   "this; the run-time argument clip_norm when not 0")
      .at_least(0)
      .defaults_to("0");
}

Attr clip_value() {
  return attr::number("clip_value", "every element of a gradient is moved into [-clip_value, clip_value], before clip_norm; the "
                                    "run-time argument clip_value when not 0")
      .at_least(0)
      .defaults_to("0");
}

/// Every gradient times min(1, limit / (norm + 1e-6)), where the norm is that of all gradients together:
/// torch.nn.utils.clip_grad_norm_.
void clip_norm_of(std::vector<Var> &gradients, Var limit) {
  Var squares = sum(square(gradients[0]));
  for (size_t p = 1; p < gradients.size(); ++p)
    squares = squares + sum(square(gradients[p]));
  const Var ratio = limit / (sqrt(squares) + 1e-6);
  const Var factor = minimum(ratio, number_like(ratio, 1));
  for (Var &g : gradients)
    g = g * factor;
}

/// torch.nn.utils.clip_grad_value_, then clip_grad_norm_.
std::vector<Var> clipped(const OptimizerPreparation &all) {
  std::vector<Var> gradients = all.g;
  if (const std::optional<Var> limit = all.hyper("clip_value"))
    for (Var &g : gradients)
      g = maximum(minimum(g, *limit), -*limit);
  if (const std::optional<Var> limit = all.hyper("clip_norm"))
    clip_norm_of(gradients, *limit);
  return gradients;
}

/// g + weight_decay w, after clipping.
std::vector<Var> clipped_with_decay(const OptimizerPreparation &all) {
  std::vector<Var> gradients = clipped(all);
  if (const std::optional<Var> decay = all.hyper("weight_decay"))
    for (size_t p = 0; p < gradients.size(); ++p)
      gradients[p] = gradients[p] + *decay * all.w[p];
  return gradients;
}

OptimizerDef optimizer(std::string_view name, std::string_view doc, std::string_view default_rate,
                       std::vector<Attr> own, std::vector<std::string_view> (*slots)(const JsonValue &),
                       Var (*update)(const OptimizerStep &), bool decoupled = false) {
  std::vector<Attr> attrs = {rate(default_rate), decay(decoupled ? "0.01" : "0"), clip_norm(), clip_value()};
  attrs.insert(attrs.end(), own.begin(), own.end());
  return {{name, doc, std::move(attrs)}, decoupled ? clipped : clipped_with_decay, slots, update};
}

const std::vector<OptimizerDef> &table() {
  using attr::number;
  const Attr inertia =
      number("momentum", "share of the velocity that stays").at_least(0).below(1).defaults_to("0.9");
  static const std::vector<OptimizerDef> defs = {
      optimizer(
          "sgd", "w - rate g", "0.01", {}, [](const JsonValue &) { return Names{}; }, sgd),
      optimizer(
          "momentum", "v = momentum v + g; w - rate v", "0.01", {inertia},
          [](const JsonValue &) { return Names{"v"}; }, momentum),
      optimizer(
          "nesterov", "v = momentum v + g; w - rate (g + momentum v)", "0.01", {inertia},
          [](const JsonValue &) { return Names{"v"}; }, nesterov),
      optimizer(
          "adagrad", "sum += g^2; w - rate g / (sqrt(sum) + epsilon)", "0.01",
          {number("epsilon", "added to the root").above(0).defaults_to("1e-10")},
          [](const JsonValue &) { return Names{"sum"}; }, adagrad),
      optimizer(
          "rmsprop", "s = alpha s + (1 - alpha) g^2; w - rate g / (sqrt(s) + epsilon)", "0.01",
          {number("alpha", "decay of the average of g^2").at_least(0).below(1).defaults_to("0.99"),
           number("epsilon", "added to the root").above(0).defaults_to("1e-8"),
           number("momentum", "share of the velocity that stays").at_least(0).below(1).defaults_to("0")},
          [](const JsonValue &a) { return a.number_at("momentum") > 0 ? Names{"s", "v"} : Names{"s"}; },
          rmsprop),
      optimizer(
          "adam", "w - rate m / (sqrt(v) + epsilon), m and v the bias-corrected averages of g and g^2",
          "0.001", adam_keys(), [](const JsonValue &) { return Names{"m", "v"}; }, adam),
      optimizer(
          "adamw", "adam with weight decay on the weights themselves: w (1 - rate weight_decay) - ...",
          "0.001", adam_keys(), [](const JsonValue &) { return Names{"m", "v"}; }, adamw, true),
  };
  return defs;
}

} // namespace

const Family &optimizers() {
  static const Family family = [] {
    Family f{"optimizer", "How a gradient g changes a parameter w; rate is the learning rate of the step."};
    f.by_name = true, f.default_type = "adam";
    for (const OptimizerDef &def : table())
      f.types.push_back(&def.spec);
    return f;
  }();
  return family;
}

std::span<const std::string_view> optional_hypers() {
  static constexpr std::string_view kNames[] = {"weight_decay", "clip_norm", "clip_value"};
  return kNames;
}

const OptimizerDef &find_optimizer(std::string_view type) {
  for (const OptimizerDef &def : table())
    if (def.spec.name == type)
      return def;
  throw InternalFault("no such optimizer");
}

} // namespace gradc
