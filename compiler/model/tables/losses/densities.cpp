// Losses that are minus the logarithm of a density whose parameters the layers are.
#include "compiler/model/tables/losses/rows.h"

#include "ir/error.h"

#include <numbers>

namespace gradc {
namespace {

using Estimates = LossOperand::Estimates;
using Presence = LossOperand::Presence;

constexpr double kLog2Pi = 1.8378770664093454836; // log(2 pi)

LossOperand one_of_two(std::string_view key, std::string_view doc, std::string_view other, Estimates estimates) {
  return {.key = key, .doc = doc, .presence = Presence::one_of_two, .other = other, .estimates = estimates};
}

/// (log v + (prediction - target)^2 / v) / 2 for the variance v. Of log v, the quotient is a square, so that neither factor
/// overflows before the whole does.
LossTerms gaussian_nll(const LossBuild &b) {
  const Var r = b["prediction"] - b["target"];
  const double constant = b.attrs.boolean_at("full") ? kLog2Pi / 2 : 0;
  Var loss = r;
  if (b.has("log_variance")) {
    const Var s = b["log_variance"];
    loss = 0.5 * (s + square(r * exp(-0.5 * s)));
  } else {
    const Var v = no_less_than(b["variance"], b.attrs.number_at("epsilon"));
    loss = 0.5 * (log(v) + square(r) / v);
  }
  return {constant == 0 ? loss : loss + constant};
}

Shape one_for_each_component(const JsonValue &, const Shape &means) {
  if (means.empty())
    throw Error("a first axis with the components is wanted");
  Shape shape(means.size(), 1);
  shape[0] = means[0];
  return shape;
}

Shape one_for_all_components(const JsonValue &, const Shape &means) {
  if (means.empty())
    throw Error("a first axis with the components is wanted");
  Shape shape = means;
  shape[0] = 1;
  return shape;
}

/// The sum over all axes behind the first two: [batch, k, ...] to [batch, k].
Var sum_of_components(Var x) {
  std::vector<int64_t> axes;
  for (int64_t axis = 2; axis < x.rank(); ++axis)
    axes.push_back(axis);
  return sum(x, axes, false);
}

/// -log sum_k w_k N(target; m_k, s_k^2) with w the softmax of the logits z: the difference of two sums of exponentials,
/// log sum_k exp(z_k) - log sum_k exp(z_k + log N_k). The largest exponent is taken out of both.
LossTerms mixture_density(const LossBuild &b) {
  const Var means = b["means"], r = b["target"] - means;
  const Var z = reshape(b["logits"], {means.shape()[0], means.shape()[1]});
  Var log_density = r;
  if (b.has("log_deviations")) {
    const Var s = b["log_deviations"];
    log_density = -(s + 0.5 * square(r * exp(-s)));
  } else {
    const Var s = no_less_than(b["deviations"], b.attrs.number_at("epsilon"));
    log_density = -(log(s) + 0.5 * square(r / s));
  }
  const Var joint = z + sum_of_components(log_density - kLog2Pi / 2);
  const auto log_sum = [](Var x) { return log_sum_exp(less_largest(x)) + sum_last(stop_gradient(max_last_keep(x))); };
  return {log_sum(z) - log_sum(joint)};
}

} // namespace

std::vector<LossDef> density_losses() {
  LossOperand logits = {.key = "logits", .doc = "a layer with a number for each component; their softmax are the weights",
                        .shape = one_for_each_component};
  LossOperand target = wanted("target", "an input of the shape of the means without their first axis");
  target.shape = one_for_all_components;
  return {
      loss_row("gaussian_nll",
               "Mean over all elements of minus the log-density of a normal distribution whose variance is learned, too: "
               "(log(variance) + (prediction - target)^2 / variance) / 2; as PyTorch's GaussianNLLLoss.",
               {judged("prediction", Estimates::target), wanted("target", "an input of the same shape"),
                one_of_two("variance", "a layer of the same shape, whose elements are positive", "log_variance",
                           Estimates::variance),
                one_of_two("log_variance", "a layer of the same shape: the logarithm of the variance", "",
                           Estimates::log_variance)},
               {attr::boolean("full", "adds the constant log(2 pi) / 2").defaults_to("false"),
                epsilon_of("a smaller variance counts as this, with the gradient of the variance", "1e-6")},
               gaussian_nll),
      loss_row("mixture_density",
               "Mean over the examples of minus the log-density of a mixture of normal distributions, whose elements are "
               "independent of each other in each component: Bishop 1994, Mixture Density Networks; as the log_prob of "
               "PyTorch's MixtureSameFamily.",
               {{.key = "means", .doc = "a layer of shape [components, ...]", .presence = Presence::last_layer,
                 .estimates = Estimates::target},
                target, logits,
                one_of_two("deviations", "a layer of the shape of the means, whose elements are positive", "log_deviations",
                           Estimates::deviation),
                one_of_two("log_deviations", "a layer of the shape of the means: the logarithms of the deviations", "",
                           Estimates::log_deviation)},
               {epsilon_of("a smaller deviation counts as this, with the gradient of the deviation", "1e-6")}, mixture_density),
  };
}

} // namespace gradc
