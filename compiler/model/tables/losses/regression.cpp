// Losses of numbers: how far a prediction lies from its target.
#include "compiler/model/tables/losses/rows.h"

#include "ir/error.h"

#include <fmt/format.h>
#include <numbers>

namespace gradc {
namespace {

using Estimates = LossOperand::Estimates;

Var residual(const LossBuild &b) { return b["prediction"] - b["target"]; }

LossTerms squared_error(const LossBuild &b) { return {square(residual(b))}; }
LossTerms absolute_error(const LossBuild &b) { return {abs(residual(b))}; }

/// r^2 / 2 up to delta, then the tangent delta (r - delta / 2), for r = |prediction - target|.
Var huber(Var r, double delta) { return select(greater(r, delta), delta * (r - delta / 2), 0.5 * square(r)); }

LossTerms huber(const LossBuild &b) { return {huber(abs(residual(b)), b.attrs.number_at("delta"))}; }

LossTerms smooth_l1(const LossBuild &b) {
  const double beta = b.attrs.number_at("beta");
  return {huber(abs(residual(b)), beta) / beta};
}

/// log(cosh(r)) = r - log(2) + log1p(exp(-2 r)). Where r is small that would be the difference of numbers near log(2), so
/// there it is log1p(cosh(r) - 1) with cosh(r) - 1 = expm1(r)^2 exp(-r) / 2.
LossTerms log_cosh(const LossBuild &b) {
  const Var r = abs(residual(b)), small = less(r, number_like(r, 1)), near = select(small, r, number_like(r, 1));
  const Var far = r + log1p(exp(-2 * r)) - std::numbers::ln2;
  return {select(small, log1p(0.5 * square(expm1(near)) * exp(-near)), far)};
}

Shape one_for_all_quantiles(const JsonValue &attrs, const Shape &prediction) {
  const size_t count = attrs.at("quantiles").items.size();
  if (count == 1)
    return prediction;
  if (prediction.empty() || prediction.back() != static_cast<int64_t>(count))
    throw Error(fmt::format("a last axis of {} is wanted, one for each of the 'quantiles'", count));
  return shape_of_rows(attrs, prediction);
}

/// max(q e, (q - 1) e) for e = target - prediction: Koenker and Bassett 1978.
LossTerms quantile(const LossBuild &b) {
  const JsonValue &quantiles = b.attrs.at("quantiles");
  const Var e = b["target"] - b["prediction"];
  if (quantiles.items.size() == 1) {
    const double q = quantiles.items[0].number;
    return {select(greater(e, 0), q * e, (q - 1) * e)};
  }
  const Var q = row_of(e, quantiles);
  return {select(greater(e, 0), q * e, (q - 1) * e)};
}

/// As torch.nn.PoissonNLLLoss. What `full` adds depends on the target alone: Stirling's approximation of log(t!) where t > 1.
LossTerms poisson(const LossBuild &b) {
  const Var z = b["prediction"], t = b["target"];
  const Var loss = b.attrs.boolean_at("log_input") ? exp(z) - t * z : z - t * log(z + b.attrs.number_at("epsilon"));
  if (!b.attrs.boolean_at("full"))
    return {loss};
  const Var many = select(greater(t, 1), t, number_like(t, 1));
  const Var stirling = many * log(many) - many + 0.5 * log(2 * std::numbers::pi * many);
  return {loss + select(greater(t, 1), stirling, 0)};
}

std::vector<LossOperand> pair() {
  return {judged("prediction", Estimates::target), wanted("target", "an input of the same shape")};
}

} // namespace

std::vector<LossDef> regression_losses() {
  LossOperand of_quantiles = wanted("target", "an input of the same shape; of several quantiles, without the last axis");
  of_quantiles.shape = one_for_all_quantiles;
  return {
      loss_row("mse", "Mean of (prediction - target)^2 over all elements.", pair(), {}, squared_error),
      loss_row("mae", "Mean of |prediction - target| over all elements.", pair(), {}, absolute_error),
      loss_row("huber",
               "Mean over all elements of r^2 / 2 for r = |prediction - target| up to delta, then of delta (r - delta / 2); "
               "as PyTorch's HuberLoss and Keras' Huber.",
               pair(), {attr::number("delta", "where the parabola ends").above(0).defaults_to("1")}, huber),
      loss_row("smooth_l1", "The loss huber divided by its delta, which is called beta; as PyTorch's SmoothL1Loss.", pair(),
               {attr::number("beta", "where the parabola ends").above(0).defaults_to("1")}, smooth_l1),
      loss_row("log_cosh", "Mean of log(cosh(prediction - target)) over all elements; as Keras' LogCosh.", pair(), {},
               log_cosh),
      loss_row("quantile",
               "The pinball loss: mean over all elements of q e where e = target - prediction is positive, else of (q - 1) "
               "e; as scikit-learn's mean_pinball_loss. Its least is at the quantile q of the target.",
               {judged("prediction", Estimates::target), of_quantiles},
               {attr::one_or_list("quantiles", attr::number("", "").above(0).below(1),
                                  "q; of several, the last axis of the prediction has one element for each")
                    .items(1)
                    .defaults_to("[0.5]")},
               quantile),
      loss_row("poisson",
               "Mean over all elements of minus the log-likelihood of the target, a count, where the prediction is the "
               "logarithm of the rate: exp(prediction) - target * prediction; as PyTorch's PoissonNLLLoss. Keras' Poisson "
               "takes the rate: log_input false, epsilon 1e-7.",
               {judged(), wanted("target", "an input of the same shape: numbers of at least 0", LossOperand::Values::count)},
               {attr::boolean("log_input", "whether the prediction is the logarithm of the rate; else it is the rate, which "
                                           "must be positive, and the loss is prediction - target * log(prediction + "
                                           "epsilon)")
                    .defaults_to("true"),
                attr::boolean("full",
                              "adds Stirling's approximation of log(target!) where the target is above 1")
                    .defaults_to("false"),
                epsilon_of("added to a rate before its logarithm is taken", "1e-8")},
               poisson),
  };
}

} // namespace gradc
