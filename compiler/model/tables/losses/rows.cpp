#include "compiler/model/tables/losses/rows.h"

#include "ir/error.h"

#include <limits>

namespace gradc {

using Reads = LossOperand::Reads;
using Presence = LossOperand::Presence;

static Attr key_of(const LossOperand &operand) {
  Attr key = attr::path(operand.key, operand.doc);
  switch (operand.presence) {
  case Presence::required:
    break;
  case Presence::last_layer:
    return std::move(key).otherwise("the last layer");
  case Presence::optional:
    return std::move(key).otherwise("none");
  case Presence::one_of_two:
    return std::move(key).otherwise("see the other of the two");
  }
  return key;
}

LossDef loss_row(std::string_view name, std::string_view doc, std::vector<LossOperand> operands, std::vector<Attr> own,
                 LossTerms (*build)(const LossBuild &), Link link, std::vector<std::string_view> per_class) {
  std::vector<Attr> keys;
  for (const LossOperand &operand : operands)
    keys.push_back(key_of(operand));
  keys.insert(keys.end(), own.begin(), own.end());
  return {{name, doc, std::move(keys)}, std::move(operands), build, link, std::move(per_class)};
}

LossOperand judged(std::string_view key, LossOperand::Estimates estimates) {
  return {.key = key, .doc = "the layer it judges", .presence = Presence::last_layer, .estimates = estimates};
}

LossOperand wanted(std::string_view key, std::string_view doc, LossOperand::Values values) {
  return {.key = key, .doc = doc, .reads = Reads::input, .values = values};
}

Shape shape_of_rows(const JsonValue &, const Shape &prediction) {
  if (prediction.empty())
    throw Error("a row of at least one number is wanted");
  Shape shape = prediction;
  shape.back() = 1;
  return shape;
}

Attr label_smoothing() {
  return attr::number("label_smoothing", "s: the labels become (1 - s) labels + s / classes")
      .at_least(0)
      .below(1)
      .defaults_to("0");
}

Attr ignored_label() {
  constexpr double kLeast = std::numeric_limits<int32_t>::min(), kMost = std::numeric_limits<int32_t>::max();
  return attr::integer("ignore", "an integer label that counts nowhere: it has no loss, no gradient and no weight, and need "
                                 "be no class")
      .at_least(kLeast)
      .at_most(kMost)
      .otherwise("every label counts");
}

Attr epsilon_of(std::string_view doc, std::string_view value) {
  return attr::number("epsilon", doc).above(0).defaults_to(value);
}

Var positive_part(Var x) { return select(greater(x, 0), x, 0); }

Var no_less_than(Var x, double least) {
  const Var fixed = stop_gradient(x), value = maximum(fixed, number_like(x, least));
  return with_gradient_of(value, value + (x - fixed));
}

Var log_or_zero(Var x) { return log(select(greater(x, 0), x, number_like(x, 1))); }

Var reshape_last(Var x) {
  Shape shape = x.shape();
  shape.push_back(1);
  return reshape(x, std::move(shape));
}

Var row_of(Var like, const JsonValue &numbers) {
  const auto count = static_cast<int64_t>(numbers.items.size());
  const Type type{like.dtype(), {count}};
  const Var index = source(*like.scope, "iota", {{"dim", int64_t{0}}}, Type{DType::i32, {count}});
  Var all = constant(*like.scope, 0, type);
  for (size_t i = 0; i < numbers.items.size(); ++i)
    all = select(equal(index, static_cast<int>(i)), constant(*like.scope, numbers.items[i].number, type), all);
  return all;
}

// `rest` is the sum less 1. That 1 is taken from exp(x_l): a confident right answer has x_l = 0, and the others are left
// exactly, however small they are. Where x_l < 0, the loss is not small. The slopes are exp(x_j) / sum and, along x_l,
// (exp(x_l) - sum) / sum, written (exp(x_l) - 1 - rest) / sum for the same reason. Two sums a row are as many as a softmax
// without this care takes.
Var log_loss_at(Var label, Var x) {
  const Var fixed = stop_gradient(x), e = exp(fixed), terms = select(label, e - 1, e);
  const Var rest = sum_last_keep(terms);
  const Var loss = log1p(rest) - sum_last_keep(select(label, fixed, 0));
  const Var slope = sum_last_keep(select(label, terms - rest, terms) * x) / (1 + rest);
  return with_gradient_of(loss, loss + (slope - stop_gradient(slope)));
}

// It equals softplus(z) - z t, written as a sum of two terms that are not negative, z (1 - t) or -z t and log1p(exp(-|z|)):
// the loss of a confident right answer is small, and must not be what remains of the difference of two large numbers.
Var yes_no_loss(Var z, Var t) {
  const Var positive = greater(z, 0);
  return z * select(positive, 1 - t, -t) + log1p(exp(select(positive, -z, z)));
}

LossTerms without_ignored(const LossBuild &b, LossTerms terms) {
  const JsonValue *ignored = b.attrs.find("ignore");
  if (!ignored)
    return terms;
  const Var here = equal(reshape(b["labels"], terms.losses.shape()), static_cast<double>(ignored->integer));
  const Var weights = terms.weights ? *terms.weights : constant(*here.scope, 1, terms.losses.type());
  return {select(here, 0, terms.losses), select(here, 0, weights)};
}

} // namespace gradc
