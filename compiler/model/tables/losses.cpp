// The losses. Cross-entropies take logits, so that neither exp overflows nor log sees a rounded 0.
#include "compiler/model/tables/losses.h"

#include "compiler/model/expressions/expression.h"
#include "ir/error.h"

#include <algorithm>

namespace gradc {
namespace {

LossTerms squared_error(const LossBuild &b) { return {square(b.prediction - b.target)}; }
LossTerms absolute_error(const LossBuild &b) { return {abs(b.prediction - b.target)}; }

/// -(t log s(z) + (1 - t) log(1 - s(z))) = softplus(z) - z t for the sigmoid s. It is written as a sum of two terms that are
/// not negative, z (1 - t) or -z t and log1p(exp(-|z|)): the loss of a confident right answer is small, and must not be
/// what remains of the difference of two large numbers.
LossTerms binary_cross_entropy(const LossBuild &b) {
  const Var z = b.prediction, t = b.target, positive = greater(z, 0);
  return {z * select(positive, 1 - t, -t) + log1p(exp(select(positive, -z, z)))};
}

/// log(sum(exp(x))) along the last axis, for x whose largest is 0. The 1 that the largest adds to the sum is left to log1p,
/// so that the others count however small they are. More than one may be 0.
Var log_sum_exp(Var x) {
  const Var largest = select(equal(x, 0), number_like(x, 1), 0);
  return log1p(sum_last(exp(x) - largest) + (sum_last(largest) - 1));
}

/// log(sum(exp(x))) - x_l along the last axis, for x whose largest is 0, where `label` holds at l alone; the axis is kept. `rest` is
/// the sum less 1. That 1 is taken from exp(x_l): a confident right answer has x_l = 0, and the others are left exactly, however
/// small they are. Where x_l < 0, the loss is not small. The slopes are exp(x_j) / sum and, along x_l, (exp(x_l) - sum) / sum,
/// written (exp(x_l) - 1 - rest) / sum for the same reason. Two sums a row are as many as a softmax without this care takes.
Var log_loss_at(Var label, Var x) {
  const Var fixed = stop_gradient(x), e = exp(fixed), terms = select(label, e - 1, e);
  const Var rest = sum_last_keep(terms);
  const Var loss = log1p(rest) - sum_last_keep(select(label, fixed, 0));
  const Var slope = sum_last_keep(select(label, terms - rest, terms) * x) / (1 + rest);
  return with_gradient_of(loss, loss + (slope - stop_gradient(slope)));
}

/// With an axis of extent 1 behind the others.
Var reshape_last(Var x) {
  Shape shape = x.shape();
  shape.push_back(1);
  return reshape(x, std::move(shape));
}

/// [classes] in the dtype of z, from the attribute "class_weights".
Var class_weights(Var z, const JsonValue &weights) {
  const int64_t classes = z.shape().back();
  const Var index = source(*z.scope, "iota", {{"dim", int64_t{0}}}, Type{DType::i32, {classes}});
  Var all = constant(*z.scope, 0, {z.dtype(), {classes}});
  for (size_t c = 0; c < weights.items.size(); ++c)
    all = select(equal(index, static_cast<int>(c)), constant(*z.scope, weights.items[c].number, {z.dtype(), {classes}}), all);
  return all;
}

/// As torch.nn.CrossEntropyLoss(weight=w, label_smoothing=s): a row with label y has the weight w_y, its own term is
/// (1 - s) w_y l_y and that of smoothing s / n sum_c w_c l_c, with l_c = -log softmax(z)_c.
LossTerms weighted_cross_entropy(const LossBuild &b, Var label, Var shifted, double smoothing) {
  const Var w = class_weights(shifted, b.attrs.at("class_weights"));
  const Var of_row = sum_last_keep(select(label, w, 0));
  if (smoothing == 0)
    return {of_row * log_loss_at(label, shifted), of_row};
  const Var each = reshape_last(log_sum_exp(shifted)) - shifted;
  const Var own = (1 - smoothing) * of_row * sum_last_keep(select(label, each, 0));
  return {own + smoothing / static_cast<double>(shifted.shape().back()) * sum_last_keep(w * each), of_row};
}

/// -sum(t log softmax(z)) with log softmax(z) = z - m - log(sum(exp(z - m))), m = max(z). Of n classes, label smoothing s makes
/// (1 - s) t + s / n of t, where t is 1 for a class label and 0 for the others.
LossTerms softmax_cross_entropy(const LossBuild &b) {
  const Var z = b.prediction;
  const int64_t classes = z.shape().back();
  const double smoothing = b.attrs.number_at("label_smoothing");
  const Var shifted = z - stop_gradient(max_last_keep(z));
  if (is_float(b.target.dtype())) { // probabilities
    const double others = smoothing / static_cast<double>(classes);
    const Var target = smoothing == 0 ? b.target : (1 - smoothing) * b.target + others;
    return {log_sum_exp(shifted) * sum_last(target) - sum_last(target * shifted)};
  }
  const Var label = one_hot(b.target, classes);
  if (b.attrs.find("class_weights"))
    return weighted_cross_entropy(b, label, shifted, smoothing);
  if (smoothing == 0)
    return {log_loss_at(label, shifted)};
  const Var own = (1 - smoothing) * sum_last(select(label, shifted, 0));
  const Var any = smoothing / static_cast<double>(classes) * sum_last(shifted);
  return {log_sum_exp(shifted) - (own + any)};
}

LossTerms expression(const LossBuild &b) { return {expand(parse_expression(b.attrs.string_at("of")), b.named, b.dtype)}; }

std::vector<Attr> keys(std::string_view prediction, std::string_view target, std::string_view target_doc,
                       std::vector<Attr> own = {}) {
  own.insert(own.begin(), {attr::name(prediction, "the layer it judges").otherwise("the last layer"),
                           attr::name(target, target_doc)});
  return own;
}

const std::vector<LossDef> &table() {
  static const std::vector<LossDef> defs = {
      {{"mse", "Mean of (prediction - target)^2 over all elements.",
        keys("prediction", "target", "an input of the same shape")},
       "prediction",
       "target",
       Link::none,
       false,
       TargetValues::any,
       squared_error},
      {{"mae", "Mean of |prediction - target| over all elements.",
        keys("prediction", "target", "an input of the same shape")},
       "prediction",
       "target",
       Link::none,
       false,
       TargetValues::any,
       absolute_error},
      {{"binary_cross_entropy",
        "Cross-entropy of independent yes/no answers, from logits; mean over all elements.",
        keys("logits", "labels", "an input of the same shape: 0 or 1, or a probability between them")},
       "logits",
       "labels",
       Link::sigmoid,
       false,
       TargetValues::chance,
       binary_cross_entropy},
      {{"softmax_cross_entropy",
        "Cross-entropy of one of several classes, from logits along the last axis; mean over all rows.",
        keys("logits", "labels",
             "integer class labels, one axis less than the logits, or probabilities, f32 of their shape, which sum to 1",
             {attr::number("label_smoothing", "s: the labels become (1 - s) labels + s / classes")
                  .at_least(0)
                  .below(1)
                  .defaults_to("0"),
              attr::list("class_weights", attr::number("", "").at_least(0),
                         "one for each class, for integer labels: an example counts as often as its class has weight, and the "
                         "loss is divided by the sum of the weights")
                  .items(1)
                  .otherwise("all examples count once")})},
       "logits",
       "labels",
       Link::softmax,
       true,
       TargetValues::distribution,
       softmax_cross_entropy},
      {{"expression",
        "The mean over all examples, and over all elements where an example has several, of a formula over the layers and "
        "inputs that it names. Reductions work within one example. It sees inputs as layers see them, and what predict "
        "returns is as the layers compute it.",
        {attr::expression("of", "the formula, such as \"mean(square(a - b)) + 0.1 * mean(abs(h))\"")}},
       "",
       "",
       Link::none,
       false,
       TargetValues::any,
       expression},
  };
  return defs;
}

Shape without_ones(const Shape &shape) {
  Shape result;
  std::copy_if(shape.begin(), shape.end(), std::back_inserter(result), [](int64_t dim) { return dim != 1; });
  return result;
}

} // namespace

const Family &losses() {
  static const Family family = [] {
    Family f{"loss", "What training makes small. Several losses are added."};
    f.common = {attr::number("weight", "factor of this loss in the sum").at_least(0).defaults_to("1"),
                attr::name("example_weights", "an input of one number, at least 0, for each example: it counts as often as that "
                                              "says, and the loss is divided by the sum of the weights")
                    .otherwise("every example counts once")};
    for (const LossDef &def : table())
      f.types.push_back(&def.spec);
    return f;
  }();
  return family;
}

Var mean_of(const LossTerms &terms) { return mean(terms.losses); }

LossFraction fraction_of(const LossTerms &terms, std::optional<Var> example_weights) {
  const Shape shape = terms.losses.shape();
  const int64_t count = element_count(shape);
  if (!example_weights)
    return {sum(terms.losses), terms.weights ? sum(*terms.weights) : number_like(terms.losses, static_cast<double>(count))};
  Shape column(shape.size(), 1);
  column[0] = shape[0];
  const Var each = reshape(cast(*example_weights, terms.losses.dtype()), column);
  const double of_example = static_cast<double>(count) / static_cast<double>(std::max<int64_t>(shape[0], 1));
  return {sum(each * terms.losses), terms.weights ? sum(each * *terms.weights) : of_example * sum(each)};
}

Var value_of(const LossFraction &fraction) {
  return fraction.sum / select(greater(fraction.weight, 0), fraction.weight, number_like(fraction.weight, 1));
}

const LossDef &find_loss(std::string_view type) {
  for (const LossDef &def : table())
    if (def.spec.name == type)
      return def;
  throw InternalFault("no such loss");
}

bool is_class_labels(const LossDef &def, const Type &target, const Shape &prediction) {
  if (!def.classes || !is_integer(target.dtype) || prediction.empty())
    return false;
  return without_ones(target.shape) == without_ones(Shape(prediction.begin(), prediction.end() - 1));
}

bool target_fits(const LossDef &def, const Type &target, const Shape &prediction) {
  if (def.classes && prediction.empty())
    return false;
  if (def.classes && is_integer(target.dtype))
    return is_class_labels(def, target, prediction);
  return without_ones(target.shape) == without_ones(prediction);
}

std::optional<Domain> target_domain(const LossDef &def, const Shape &prediction) {
  constexpr double kRounding = 1e-3; // of probabilities with few digits: 0.333 + 0.333 + 0.333
  if (def.target == TargetValues::any || (def.target == TargetValues::distribution && prediction.empty()))
    return std::nullopt;
  if (def.target == TargetValues::chance)
    return Domain{0, 1};
  return Domain{0, 1 + kRounding, prediction.back(), 1 - kRounding, 1 + kRounding};
}

Var fit_target(const LossDef &def, Var target, Var prediction) {
  Shape shape = prediction.shape();
  if (def.classes && is_integer(target.dtype())) {
    shape.pop_back();
    return reshape(target, std::move(shape));
  }
  return reshape(cast(target, prediction.dtype()), std::move(shape));
}

Var one_hot(Var labels, int64_t classes) {
  const Var index = source(*labels.scope, "iota", {{"dim", int64_t{0}}}, Type{labels.dtype(), {classes}});
  Shape column = labels.shape();
  column.push_back(1);
  return equal(index, reshape(labels, std::move(column)));
}

} // namespace gradc
