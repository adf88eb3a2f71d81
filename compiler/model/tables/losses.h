// Losses, and what each of them reads: layers that it judges, and inputs that say what those should be.
#pragma once

#include "compiler/model/tables/activations.h"

#include <utility>

namespace gradc {

/// What a loss reads under one of its keys: a layer, or an input. The first operand of a loss is its prediction, a layer.
struct LossOperand {
  enum class Reads : uint8_t { layer, input, any };
  enum class Presence : uint8_t { required, last_layer, optional, one_of_two }; // last_layer: which it is unless given
  /// Which values a float input may have: any, chances of yes from 0 to 1, along the last axis the probabilities of one of
  /// several classes, which sum to 1, or counts, at least 0.
  enum class Values : uint8_t { any, chance, distribution, count };
  /// What a layer estimates of the target, so that predictions come in the units of its data: nothing, the target itself, its
  /// deviation or its variance, or the logarithm of one of them.
  enum class Estimates : uint8_t { nothing, target, deviation, variance, log_deviation, log_variance };

  std::string_view key, doc;
  Reads reads = Reads::layer;
  Presence presence = Presence::required;
  std::string_view other = {}; // one_of_two: at the first of them, the key of the second
  /// The shape of one example that stands beside a prediction of that shape; axes of extent 1 say how it is broadcast. Throws
  /// Error where the prediction itself has a wrong shape. Null: that of the prediction.
  Shape (*shape)(const JsonValue &attrs, const Shape &prediction) = nullptr;
  bool classes = false; // may be integer class labels, too: one axis less than the prediction
  Values values = Values::any;
  Estimates estimates = Estimates::nothing;
};

/// What the formula of a loss works with.
struct LossBuild {
  const JsonValue &attrs; // complete
  DType dtype;            // of the model's floats
  std::vector<std::pair<std::string_view, Var>> operands = {}; // those that are given, by key, as fit_operand() makes them
  std::vector<Var> named = {};                                 // the values that an expression names

  bool has(std::string_view key) const;
  /// InternalFault when it is not given.
  Var operator[](std::string_view key) const;
};

/// What a loss is the mean of, [batch, ...]: the loss of each element, or of each row.
struct LossTerms {
  Var losses;                      // each times its weight
  std::optional<Var> weights = {}; // of the same shape; absent: all are 1
};

/// The loss of a batch as a fraction of two rank-0 values: the sum of the terms, and the sum of their weights.
struct LossFraction {
  Var sum, weight;
};

struct LossDef {
  ObjectSpec spec; // has the keys of the operands
  std::vector<LossOperand> operands; // none of an expression, which names what it reads
  LossTerms (*build)(const LossBuild &);
  Link link = Link::none;                       // of the prediction
  std::vector<std::string_view> per_class = {}; // keys whose lists have a number for each element of the last axis

  /// Of a loss that is no expression.
  const LossOperand &prediction() const { return operands.front(); }
  /// The first operand that may be an input; null when all are layers.
  const LossOperand *target() const;
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

/// The shape of an example of the operand beside a prediction of that shape; integer class labels have another.
Shape operand_shape(const LossOperand &, const JsonValue &attrs, const Shape &prediction);
/// May an operand of this type and shape (of one example) stand where `wanted` is operand_shape()? Axes of extent 1 do not count.
/// Class labels are integers with the last axis missing.
bool is_class_labels(const LossOperand &, const Type &operand, const Shape &wanted);
bool operand_fits(const LossOperand &, const Type &operand, const Shape &wanted);

/// Where the values of a float input lie beside a prediction of that shape (of one example).
std::optional<Domain> operand_domain(const LossOperand &, const Shape &prediction);

/// The operand (with batch) in its wanted shape and the dtype of the prediction; class labels keep their dtype and lack the last
/// axis.
Var fit_operand(const LossOperand &, const JsonValue &attrs, Var operand, Var prediction);
/// The same for a target that is compared element by element.
Var fit_target(const LossOperand &, Var target, Var prediction);

/// 1 where the row's index along a new last axis of extent `classes` is the label, as bool.
Var one_hot(Var labels, int64_t classes);

} // namespace gradc
