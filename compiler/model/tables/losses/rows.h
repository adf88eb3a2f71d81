// The rows of the table of losses, and what several of their formulas share. A formula reads its operands by their keys.
#pragma once

#include "compiler/model/tables/losses.h"

namespace gradc {

std::vector<LossDef> regression_losses();
std::vector<LossDef> density_losses();
std::vector<LossDef> yes_no_losses();
std::vector<LossDef> class_losses();
std::vector<LossDef> distribution_losses();
std::vector<LossDef> embedding_losses();
std::vector<LossDef> formula_losses();

/// A row: its keys are those of the operands, then its own.
LossDef loss_row(std::string_view name, std::string_view doc, std::vector<LossOperand> operands, std::vector<Attr> own,
                 LossTerms (*build)(const LossBuild &), Link link = Link::none, std::vector<std::string_view> per_class = {});

/// The layer that a loss judges, under the key "prediction" or another; the last one unless it is given.
LossOperand judged(std::string_view key = "prediction", LossOperand::Estimates estimates = LossOperand::Estimates::nothing);
/// An input beside it.
LossOperand wanted(std::string_view key, std::string_view doc, LossOperand::Values values = LossOperand::Values::any);
/// The prediction without its last axis, which is broadcast: one value for each of its rows.
Shape shape_of_rows(const JsonValue &attrs, const Shape &prediction);
/// "label_smoothing" is the share s; "ignore" is the integer label that counts nowhere.
Attr label_smoothing();
Attr ignored_label();
/// "epsilon", the least that a positive operand counts as.
Attr epsilon_of(std::string_view doc, std::string_view value);

/// x, or 0 where it is negative; the slope is 0 at 0.
Var positive_part(Var x);
/// max(x, least). The gradient is that of x also where x is less, so that training can leave that region.
Var no_less_than(Var x, double least);
/// The logarithm of numbers of at least 0, which counts as 0 where they are 0.
Var log_or_zero(Var x);
/// With an axis of extent 1 behind the others.
Var reshape_last(Var x);
/// [n] in the dtype of `like`, from a list of n numbers.
Var row_of(Var like, const JsonValue &numbers);
/// log(sum(exp(x))) - x_l along the last axis, for x whose largest is 0, where `label` holds at l alone; the axis is kept.
Var log_loss_at(Var label, Var x);
/// As binary_cross_entropy: -(t log s(z) + (1 - t) log(1 - s(z))), with s the sigmoid and t in [0, 1].
Var yes_no_loss(Var z, Var t);
/// The terms without loss and weight where the label is the one that "ignore" names.
LossTerms without_ignored(const LossBuild &, LossTerms);

} // namespace gradc
