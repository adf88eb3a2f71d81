// Losses of embeddings: how near layers lie to each other, by rows along the last axis.
#include "compiler/model/tables/losses/rows.h"

namespace gradc {
namespace {

using Values = LossOperand::Values;

LossOperand row_layer(std::string_view key, std::string_view doc) { return {.key = key, .doc = doc}; }

LossOperand alike(LossOperand::Presence presence) {
  LossOperand operand =
      wanted("labels", "an input, one axis less: 1 where the two are alike, 0 where they are not", Values::chance);
  operand.presence = presence;
  operand.shape = shape_of_rows;
  return operand;
}

/// 1 - x.y / sqrt((|x|^2 + e) (|y|^2 + e)) with e = 1e-12, as PyTorch has it. For u = x / sqrt(|x|^2 + e) and v alike it is
/// (|u - v|^2 + (1 - |u|^2) + (1 - |v|^2)) / 2 with 1 - |u|^2 = e / (|x|^2 + e): so rows that almost agree have a loss that
/// is exact.
LossTerms cosine(const LossBuild &b) {
  constexpr double kEpsilon = 1e-12;
  const Var x = b["prediction"], y = b["target"];
  const Var xx = sum_last_keep(square(x)) + kEpsilon, yy = sum_last_keep(square(y)) + kEpsilon;
  const Var apart = 0.5 * (sum_last_keep(square(x / sqrt(xx) - y / sqrt(yy))) + (kEpsilon / xx + kEpsilon / yy));
  if (!b.has("labels"))
    return {apart};
  const Var labels = b["labels"];
  return {labels * apart + (1 - labels) * positive_part(1 - b.attrs.number_at("margin") - apart)};
}

/// |x - y + e| along the last axis with e = 1e-6, as torch.pairwise_distance: its slope is finite where the two are equal.
Var distance(Var x, Var y) { return sqrt(sum_last_keep(square(x - y + 1e-6))); }

LossTerms triplet(const LossBuild &b) {
  const Var anchor = b["anchor"], positive = b["positive"], negative = b["negative"];
  Var far = distance(anchor, negative);
  if (b.attrs.boolean_at("swap"))
    far = minimum(far, distance(positive, negative));
  return {positive_part(distance(anchor, positive) - far + b.attrs.number_at("margin"))};
}

/// y d^2 + (1 - y) max(margin - d, 0)^2.
LossTerms contrastive(const LossBuild &b) {
  const Var d = distance(b["left"], b["right"]), y = b["labels"];
  return {y * square(d) + (1 - y) * square(positive_part(b.attrs.number_at("margin") - d))};
}

} // namespace

std::vector<LossDef> embedding_losses() {
  LossOperand other = wanted("target", "an input or a layer of the same shape");
  other.reads = LossOperand::Reads::any;
  return {
      loss_row("cosine",
               "1 - cos(prediction, target) along the last axis; mean over all rows. With labels, max(cos - margin, 0) of "
               "rows that are not alike: PyTorch's CosineEmbeddingLoss, where -1 stands for our 0. Keras' CosineSimilarity "
               "is this less 1.",
               {judged(), other, alike(LossOperand::Presence::optional)},
               {attr::number("margin", "the cosine up to which rows that are not alike have no loss")
                    .at_least(-1)
                    .at_most(1)
                    .defaults_to("0")},
               cosine),
      loss_row("triplet",
               "max(d(anchor, positive) - d(anchor, negative) + margin, 0) for the Euclidean distance d along the last axis; "
               "mean over all rows; as PyTorch's TripletMarginLoss.",
               {row_layer("anchor", "a layer"), row_layer("positive", "a layer of the same shape that should be near it"),
                row_layer("negative", "a layer of the same shape that should be far from it")},
               {attr::number("margin", "how much farther the negative should be").above(0).defaults_to("1"),
                attr::boolean("swap", "the negative may be far from the positive instead, whichever is less")
                    .defaults_to("false")},
               triplet),
      loss_row("contrastive",
               "Of two rows with the Euclidean distance d, d^2 where they are alike and max(margin - d, 0)^2 where they are "
               "not; mean over all rows: Hadsell, Chopra and LeCun 2006, without their factor 1/2; as contrastive_loss of "
               "TensorFlow Addons.",
               {row_layer("left", "a layer"), row_layer("right", "a layer of the same shape"),
                alike(LossOperand::Presence::required)},
               {attr::number("margin", "the distance from which rows that are not alike have no loss")
                    .above(0)
                    .defaults_to("1")},
               contrastive),
  };
}

} // namespace gradc
