// What all optimizers have: the rate, clipping, decay, and the pieces of formulas that rules share. Formulas, names and
// defaults are those of PyTorch's torch.optim where it has the optimizer: epsilon is added outside the root, the first step of
// a momentum buffer is the gradient itself, weight decay is added to the gradient unless it is decoupled.
#include "compiler/model/tables/optimizers.h"

#include "compiler/model/tables/averages.h"
#include "compiler/model/tables/constraints.h"
#include "compiler/model/tables/optimizers/rules.h"
#include "compiler/model/tables/schedules.h"
#include "ir/error.h"

#include <cmath>

namespace gradc {

Var velocity(const OptimizerStep &s, Var g) {
  const Var v = s.attrs.number_at("momentum") * s.slot("v") + g;
  s.set_slot("v", v);
  return v;
}

Var average(const OptimizerStep &s, std::string_view slot, double b, Var x) {
  const Var a = b * s.slot(slot) + (1 - b) * x;
  s.set_slot(slot, a);
  return a;
}

Var collected(double b, Var n) { return b == 0 ? number_like(n, 1) : -expm1(std::log(b) * n); }

Var adam_rule(const OptimizerStep &s, bool amsgrad) {
  const double b1 = s.attrs.number_at("beta1"), b2 = s.attrs.number_at("beta2");
  const Var m = average(s, "m", b1, s.g);
  Var v = average(s, "v", b2, square(s.g));
  if (amsgrad) {
    v = maximum(s.slot("vmax"), v);
    s.set_slot("vmax", v);
  }
  const DType dtype = s.w.dtype();
  const Var rate = s.learning_rate * cast(1 / collected(b1, s.count), dtype);
  const Var root = sqrt(v) * cast(1 / sqrt(collected(b2, s.count)), dtype);
  return s.w - rate * m / (root + s.attrs.number_at("epsilon"));
}

std::vector<Attr> adam_keys(std::string_view beta2, std::string_view epsilon) {
  return {attr::number("beta1", "decay of the average of the gradient").at_least(0).below(1).defaults_to("0.9"),
          attr::number("beta2", "decay of the average of its square").at_least(0).below(1).defaults_to(beta2),
          attr::number("epsilon", "added to the root").above(0).defaults_to(epsilon)};
}

Attr share_of_velocity(std::string_view default_json) {
  return attr::number("momentum", "share of the velocity that stays").at_least(0).below(1).defaults_to(default_json);
}

Var norm(Var x) { return sqrt(sum(square(x))); }

Var trust_ratio(double factor, Var numerator, Var denominator) {
  const Var usable = greater(minimum(numerator, denominator), 0);
  return select(usable, factor * numerator / select(usable, denominator, 1), 1);
}

namespace {

Attr rate(std::string_view default_json) {
  return attr::one_of("learning_rate", schedules(), "the rate; the run-time argument learning_rate is its initial value")
      .defaults_to(default_json);
}

Attr decay(std::string_view default_json) {
  return scheduled(attr::number("weight_decay", "pull towards 0; the run-time argument weight_decay when not 0")
                       .at_least(0)
                       .defaults_to(default_json));
}

Attr clip_norm() {
  return scheduled(attr::number("clip_norm", "gradients are scaled down so that the norm of all of them together is at most "
                                             "this; the run-time argument clip_norm when not 0")
                       .at_least(0)
                       .defaults_to("0"));
}

Attr clip_value() {
  return scheduled(attr::number("clip_value", "every element of a gradient is moved into [-clip_value, clip_value], before "
                                              "clip_norm; the run-time argument clip_value when not 0")
                       .at_least(0)
                       .defaults_to("0"));
}

Attr clip_adaptive() {
  return scheduled(
      attr::number("clip_adaptive",
                   "the gradient of each unit is scaled down so that its norm is at most clip_adaptive times that of the "
                   "unit's weights or 0.001, between clip_value and clip_norm; the run-time argument clip_adaptive when not 0")
          .at_least(0)
          .defaults_to("0"));
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

/// Brock et al. 2021, "High-performance large-scale image recognition without normalization", equation 3.
Var clipped_to_weights(Var g, Var w, Var limit) {
  const Var size = unit_norm(w), length = unit_norm(g);
  const Var ratio = limit * maximum(size, number_like(size, 1e-3)) / maximum(length, number_like(length, 1e-6));
  return g * minimum(ratio, number_like(ratio, 1));
}

Attr gradient_noise() {
  return scheduled(attr::number("gradient_noise", "normal noise of variance gradient_noise / (1 + step)^0.55 is added to every gradient "
                                                  "after it is clipped (Neelakantan et al. 2015); the run-time argument "
                                                  "gradient_noise when not 0")
                       .at_least(0)
                       .defaults_to("0"));
}

const ObjectSpec &group_spec() {
  static const ObjectSpec spec = {
      "group",
      "Parameters that are trained otherwise than the rest.",
      {attr::one_or_list("match", attr::string("", ""), "patterns of the names of its parameters, as \"hidden.*\" or \"*.bias\"").items(1),
       attr::number("rate_factor", "factor of the learning rate").at_least(0).used_in_f64().defaults_to("1"),
       attr::number("decay_factor", "factor of weight_decay").at_least(0).used_in_f64().defaults_to("1"),
       attr::boolean("frozen", "whether they stay as they begin").defaults_to("false")}};
  return spec;
}

/// Keys that say which parameters an optimizer treats how.
std::vector<Attr> keys_of_parameters() {
  return {attr::one_or_list("decay_except", attr::string("", ""), "patterns of the names of parameters without weight decay, as \"*.bias\"")
              .defaults_to("[]"),
          attr::list("groups", attr::object("group", group_spec(), ""), "parameters that are trained otherwise; each belongs to the first group that "
                                                                        "names it")
              .defaults_to("[]"),
          attr::integer("accumulate", "batches whose gradients are added up for one update; what is reported for a step, and what steps are counted "
                                      "by, is the update")
              .at_least(1)
              .at_most(1 << 20)
              .defaults_to("1"),
          attr::one_of("average", averages(), "an average of the parameters").otherwise("none is kept")};
}

/// torch.nn.utils.clip_grad_value_, then that of each unit, then clip_grad_norm_.
std::vector<Var> clipped(const OptimizerPreparation &all) {
  std::vector<Var> gradients = all.g;
  if (const std::optional<Var> limit = all.hyper("clip_value"))
    for (Var &g : gradients)
      g = maximum(minimum(g, *limit), -*limit);
  if (const std::optional<Var> limit = all.hyper("clip_adaptive"))
    for (size_t p = 0; p < gradients.size(); ++p)
      gradients[p] = clipped_to_weights(gradients[p], all.w[p], *limit);
  if (const std::optional<Var> limit = all.hyper("clip_norm"))
    clip_norm_of(gradients, *limit);
  if (const std::optional<Var> eta = all.hyper("gradient_noise")) {
    const Var deviation = sqrt(*eta) * cast(exp(-0.275 * log(all.count)), eta->dtype());
    for (size_t p = 0; p < gradients.size(); ++p)
      gradients[p] = gradients[p] + deviation * all.normal(p);
  }
  return gradients;
}

const std::vector<OptimizerDef> &table() {
  static const std::vector<OptimizerDef> defs = [] {
    std::vector<OptimizerDef> all;
    for (const auto &family : {momentum_family(), adam_family(), sign_family(), layerwise_family(), matrix_family()})
      all.insert(all.end(), family.begin(), family.end());
    return all;
  }();
  return defs;
}

} // namespace

OptimizerDef optimizer(OptimizerRow row) {
  std::vector<Attr> attrs = {rate(row.default_rate), decay(row.default_decay), clip_norm(), clip_value(), clip_adaptive(),
                             gradient_noise()};
  if (row.decay == Decay::either)
    attrs.push_back(attr::boolean("decoupled_weight_decay",
                                  "decay acts on the weights, w (1 - rate weight_decay), and not through the gradient")
                        .defaults_to("false"));
  attrs.insert(attrs.end(), row.own.begin(), row.own.end());
  for (Attr &key : keys_of_parameters())
    attrs.push_back(std::move(key));
  return {{row.name, row.doc, std::move(attrs)}, row.decay, row.slots, row.rule, row.check};
}

bool OptimizerDef::is_decoupled(const JsonValue &attrs) const {
  return decay == Decay::decoupled || (decay == Decay::either && attrs.boolean_at("decoupled_weight_decay"));
}

std::vector<Var> OptimizerDef::prepare(const OptimizerPreparation &all) const {
  std::vector<Var> gradients = clipped(all);
  const std::optional<Var> pull = all.hyper("weight_decay");
  if (pull && decay == Decay::either && !is_decoupled(all.attrs))
    for (size_t p = 0; p < gradients.size(); ++p)
      if (const double factor = all.decay_factors[p]; factor > 0)
        gradients[p] = gradients[p] + (factor == 1 ? *pull : factor * *pull) * all.w[p];
  return gradients;
}

/// Loshchilov and Hutter 2019: decoupled decay acts on the weights, not through the averages.
Var OptimizerDef::update(OptimizerStep step) const {
  if (step.weight_decay && is_decoupled(step.attrs))
    step.w = step.w * (1 - step.learning_rate * *step.weight_decay);
  return rule(step);
}

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

const Attr &gradient_weight() {
  static const Attr attr = attr::number("gradient_weight", "how much the gradients of a batch count").at_least(0);
  return attr;
}

std::span<const std::string_view> optional_hypers() {
  static constexpr std::string_view kNames[] = {"weight_decay", "clip_norm", "clip_value", "clip_adaptive", "gradient_noise"};
  return kNames;
}

const OptimizerDef &find_optimizer(std::string_view type) {
  for (const OptimizerDef &def : table())
    if (def.spec.name == type)
      return def;
  throw InternalFault("no such optimizer");
}

} // namespace gradc
