// Losses that compare two distributions over the classes of the last axis.
#include "compiler/model/tables/losses/rows.h"

namespace gradc {
namespace {

using Values = LossOperand::Values;

/// sum(t (log t - log p)).
LossTerms kl_divergence(const LossBuild &b) {
  const Var p = b["probabilities"], t = b["target"];
  const Var log_p = b.attrs.boolean_at("log_input") ? p : log(no_less_than(p, b.attrs.number_at("epsilon")));
  return {sum_last_keep(t * (log_or_zero(t) - log_p))};
}

/// alpha T^2 KL(softmax(teacher / T), softmax(z / T)) + (1 - alpha) (cross-entropy of the labels). Without labels, alpha is 1.
LossTerms distillation(const LossBuild &b) {
  const Var z = b["logits"];
  const double temperature = b.attrs.number_at("temperature");
  const Var teacher = log_softmax(b["teacher"] / temperature), student = log_softmax(z / temperature);
  const Var soft = temperature * temperature * sum_last_keep(exp(teacher) * (teacher - student));
  if (!b.has("labels"))
    return {soft};
  const double alpha = b.attrs.number_at("alpha");
  const Var labels = b["labels"];
  const Var hard = is_float(labels.dtype()) ? -sum_last_keep(labels * log_softmax(z))
                                            : log_loss_at(one_hot(labels, z.shape().back()), less_largest(z));
  return {alpha * soft + (1 - alpha) * hard};
}

} // namespace

std::vector<LossDef> distribution_losses() {
  LossOperand labels = wanted("labels",
                              "integer class labels, one axis less than the logits, or probabilities, f32 of their shape, "
                              "which sum to 1",
                              Values::distribution);
  labels.presence = LossOperand::Presence::optional;
  labels.classes = true;
  return {
      loss_row("kl_divergence",
               "The Kullback-Leibler divergence of predicted probabilities from the target, sum(t log(t / p)) along the last "
               "axis; mean over all rows; as Keras' KLDivergence. PyTorch's KLDivLoss takes logarithms, log_input true, and "
               "is this with the reduction batchmean.",
               {judged("probabilities"),
                wanted("target", "an input of the same shape: probabilities, which sum to 1", Values::distribution)},
               {attr::boolean("log_input", "whether the layer holds the logarithms of the probabilities").defaults_to("false"),
                epsilon_of("a smaller probability counts as this, with the gradient of the probability; not of logarithms",
                           "1e-12")},
               kl_divergence, Link::largest),
      loss_row("distillation",
               "What a teacher knows of the classes: T^2 times the Kullback-Leibler divergence of softmax(logits / T) from "
               "softmax(teacher / T), along the last axis; mean over all rows: Hinton, Vinyals and Dean 2015. With labels, "
               "alpha times that, and 1 - alpha times their softmax_cross_entropy.",
               {judged("logits"), labels, wanted("teacher", "an input of the same shape: the logits of the teacher")},
               {attr::number("temperature", "T: how much the distributions are softened").above(0).defaults_to("2"),
                attr::number("alpha", "the share of the teacher, where there are labels")
                    .at_least(0)
                    .at_most(1)
                    .defaults_to("0.5")},
               distillation, Link::softmax),
  };
}

} // namespace gradc
