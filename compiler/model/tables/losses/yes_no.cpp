// Losses of independent yes/no answers. All take 0 or 1 as labels, and logits or scores whose sign is the answer.
#include "compiler/model/tables/losses/rows.h"

namespace gradc {
namespace {

using Values = LossOperand::Values;

/// Of a factor p for the yes: z (1 - t) + (1 + (p - 1) t) log(1 + exp(-z)), in two terms that are not negative as
/// yes_no_loss() has it.
LossTerms binary_cross_entropy(const LossBuild &b) {
  const Var z = b["logits"], t = b["labels"];
  const JsonValue *weights = b.attrs.find("pos_weight");
  if (!weights)
    return {yes_no_loss(z, t)};
  const Var p = weights->items.size() == 1 ? number_like(z, weights->items[0].number) : row_of(z, *weights);
  const Var positive = greater(z, 0), yes = p * t, no = 1 - t;
  return {z * select(positive, no, -yes) + (no + yes) * log1p(exp(select(positive, -z, z)))};
}

/// The power of a chance c in [0, 1] that a loss l is weighted with. Both are 0 together, where the slope of c^gamma may be
/// infinite.
Var focused(Var c, Var l, double gamma) {
  if (gamma == 0)
    return l;
  return pow(select(greater(c, 0), c, number_like(c, 1)), number_like(c, gamma)) * l;
}

/// As torchvision.ops.sigmoid_focal_loss. The chance of the wrong answer is (1 - t) s(z) + t s(-z), which no difference makes
/// inexact.
LossTerms binary_focal(const LossBuild &b) {
  const Var z = b["logits"], t = b["labels"];
  const Var wrong = (1 - t) * sigmoid(z) + t * sigmoid(-z);
  const Var loss = focused(wrong, yes_no_loss(z, t), b.attrs.number_at("gamma"));
  if (const JsonValue *alpha = b.attrs.find("alpha"))
    return {(alpha->number * t + (1 - alpha->number) * (1 - t)) * loss};
  return {loss};
}

/// max(1 - y z, 0) with y = 1 for yes and -1 for no.
Var margin_loss(const LossBuild &b) { return positive_part(1 - (2 * b["labels"] - 1) * b["logits"]); }
LossTerms hinge(const LossBuild &b) { return {margin_loss(b)}; }
LossTerms squared_hinge(const LossBuild &b) { return {square(margin_loss(b))}; }

/// 1 - (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth) as sum(p (1 - t) + (1 - p) t) / (...), so that a small loss is exact.
LossTerms dice(const LossBuild &b) {
  const Var z = b["logits"], t = b["labels"], p = sigmoid(z);
  std::vector<int64_t> axes;
  for (int64_t axis = 1; axis < z.rank(); ++axis)
    axes.push_back(axis);
  const Var different = sum(p * (1 - t) + sigmoid(-z) * t, axes, false);
  return {different / (sum(p + t, axes, false) + b.attrs.number_at("smooth"))};
}

constexpr std::string_view kChances = "an input of the same shape: 0 or 1, or a probability between them";
constexpr std::string_view kSigns = "an input of the same shape: 0 or 1; for data of -1 and 1, \"scale\": 0.5 and "
                                    "\"offset\": 0.5";

std::vector<LossOperand> answers(std::string_view labels = kChances) {
  return {judged("logits"), wanted("labels", labels, Values::chance)};
}

} // namespace

std::vector<LossDef> yes_no_losses() {
  return {
      loss_row("binary_cross_entropy", "Cross-entropy of independent yes/no answers, from logits; mean over all elements.",
               answers(),
               {attr::one_or_list("pos_weight", attr::number("", "").above(0),
                                  "the term of a yes counts so many times, for all or for each element of the last axis; as "
                                  "PyTorch's BCEWithLogitsLoss, the mean is not divided by it")
                    .items(1)
                    .otherwise("every term counts once")},
               binary_cross_entropy, Link::sigmoid, {"pos_weight"}),
      loss_row("binary_focal",
               "Cross-entropy of independent yes/no answers, from logits, where each term is multiplied by the chance of the "
               "wrong answer to the power of gamma; mean over all elements: Lin et al. 2017; as sigmoid_focal_loss of "
               "torchvision, whose alpha is 0.25 by default, and Keras' BinaryFocalCrossentropy.",
               answers(),
               {attr::number("gamma", "how little answers count that are right already").at_least(0).defaults_to("2"),
                attr::number("alpha", "the factor of the yes; that of the no is 1 - alpha")
                    .at_least(0)
                    .at_most(1)
                    .otherwise("both have the factor 1")},
               binary_focal, Link::sigmoid),
      loss_row("hinge",
               "Mean over all elements of max(1 - y * logits, 0), where y is 1 for yes and -1 for no, as Keras' Hinge: with "
               "a linear layer, a support vector machine.",
               answers(kSigns), {}, hinge, Link::sign),
      loss_row("squared_hinge", "Mean over all elements of max(1 - y * logits, 0)^2, as hinge otherwise.", answers(kSigns), {},
               squared_hinge, Link::sign),
      loss_row("dice",
               "1 - (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth) for p = sigmoid(logits) and the labels t, with sums "
               "over all elements of an example; mean over the examples. Keras' Dice sums over the whole batch and takes "
               "probabilities.",
               answers(), {attr::number("smooth", "keeps the quotient of an empty example defined").above(0).defaults_to("1")},
               dice, Link::sigmoid),
  };
}

} // namespace gradc
