// Losses, and the pairing of a prediction with what it should be.
#pragma once

#include "compiler/model/tables/activations.h"

namespace gradc {

/// What the formula of a loss works with.
struct LossBuild {
  const JsonValue &attrs; // complete
  Var prediction, target; // the target has been cast and shaped by fit_target()
  DType dtype;                    // of the model's floats
  std::vector<Var> named = {}; // the values that an expression names
};

/// What a loss is the mean of, [batch, ...]: the loss of each element, or of each row of logits.
struct LossTerms {
  Var losses;                         // each times its weight
  std::optional<Var> weights = {};    // of the same shape; absent: all are 1
};

/// The loss of a batch as a fraction of two rank-0 values: the sum of the terms, and the sum of their weights.
struct LossFraction {
  Var sum, weight;
};

/// Which values a target may have: any, chances of yes from 0 to 1, or along the last axis the probabilities of one of
/// several classes, which sum to 1.
enum class TargetValues : uint8_t { any, chance, distribution };

struct LossDef {
  ObjectSpec spec;
  std::string_view prediction_key, target_key; // "logits", "labels"; "" of an expression, which names what it reads
  Link link;
  bool classes; // the target may be integer class labels, one axis less than the prediction
  TargetValues target; // where the values of other targets lie
  LossTerms (*build)(const LossBuild &);
};

/// The mean of the terms, rank 0.
Var mean_of(const LossTerms &);
/// With a weight for each example, [batch], or without.
LossFraction fraction_of(const LossTerms &, std::optional<Var> example_weights);
/// sum / weight, and 0 where there is no weight.
Var value_of(const LossFraction &);

const Family &losses();
/// InternalFault when there is none of that type.
const LossDef &find_loss(std::string_view type);

/// May a target of this type and shape (of one example) stand beside a prediction of that shape? Axes of
/// extent 1 do not count. Class labels are integers with the last axis missing.
bool is_class_labels(const LossDef &, const Type &target, const Shape &prediction);
bool target_fits(const LossDef &, const Type &target, const Shape &prediction);

/// Where the values of a float target lie beside a prediction of that shape (of one example).
std::optional<Domain> target_domain(const LossDef &, const Shape &prediction);

/// The target (with batch) in the shape of the prediction and its dtype; class labels keep their dtype and
/// lack the last axis.
Var fit_target(const LossDef &, Var target, Var prediction);

/// 1 where the row's index along a new last axis of extent `classes` is the label, as bool.
Var one_hot(Var labels, int64_t classes);

} // namespace gradc
