// Losses of one of several classes, along the last axis. Cross-entropies take logits, so that neither exp overflows nor log
// sees a rounded 0.
#include "compiler/model/tables/losses/rows.h"

namespace gradc {
namespace {

/// As torch.nn.CrossEntropyLoss(weight=w, label_smoothing=s): a row with label y has the weight w_y, its own term is
/// (1 - s) w_y l_y and that of smoothing s / n sum_c w_c l_c, with l_c = -log softmax(z)_c.
LossTerms weighted_cross_entropy(const LossBuild &b, Var label, Var shifted, double smoothing) {
  const Var w = row_of(shifted, b.attrs.at("class_weights"));
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
  const Var z = b["logits"], labels = b["labels"];
  const int64_t classes = z.shape().back();
  const double smoothing = b.attrs.number_at("label_smoothing");
  const Var shifted = less_largest(z);
  if (is_float(labels.dtype())) { // probabilities
    const double others = smoothing / static_cast<double>(classes);
    const Var target = smoothing == 0 ? labels : (1 - smoothing) * labels + others;
    return {log_sum_exp(shifted) * sum_last(target) - sum_last(target * shifted)};
  }
  const Var label = one_hot(labels, classes);
  if (b.attrs.find("class_weights"))
    return without_ignored(b, weighted_cross_entropy(b, label, shifted, smoothing));
  if (smoothing == 0)
    return without_ignored(b, {log_loss_at(label, shifted)});
  const Var own = (1 - smoothing) * sum_last(select(label, shifted, 0));
  const Var any = smoothing / static_cast<double>(classes) * sum_last(shifted);
  return without_ignored(b, {log_sum_exp(shifted) - (own + any)});
}

/// (1 - p)^gamma l for l = -log p, with 1 - p = -expm1(-l). Where l is 0 the slope of the power may be infinite, but that of
/// l is 0.
Var focused(Var l, double gamma) {
  if (gamma == 0)
    return l;
  const Var wrong = -expm1(-l);
  return pow(select(greater(wrong, 0), wrong, number_like(wrong, 1)), number_like(wrong, gamma)) * l;
}

/// Of the label's class alone, or of each class as often as the labels, which are probabilities, say.
LossTerms focal(const LossBuild &b) {
  const Var z = b["logits"], labels = b["labels"];
  const double gamma = b.attrs.number_at("gamma");
  const JsonValue *alpha = b.attrs.find("alpha");
  const bool one_for_all = !alpha || alpha->items.size() == 1;
  const Var factor = !alpha ? number_like(z, 1) : one_for_all ? number_like(z, alpha->items[0].number) : row_of(z, *alpha);
  if (is_float(labels.dtype()))
    return {sum_last_keep(labels * factor * focused(-log_softmax(z), gamma))};
  const Var label = one_hot(labels, z.shape().back());
  const Var loss = focused(log_loss_at(label, less_largest(z)), gamma);
  return without_ignored(b, {(one_for_all ? factor : sum_last_keep(select(label, factor, 0))) * loss});
}

/// -log p_y, or -p_y of logarithms; of probabilities as labels the mean of that over them.
LossTerms nll(const LossBuild &b) {
  const Var p = b["probabilities"], labels = b["labels"];
  const bool logarithms = b.attrs.boolean_at("log_input"), probabilities = is_float(labels.dtype());
  const auto minus_log = [&](Var x) { return logarithms ? -x : -log(no_less_than(x, b.attrs.number_at("epsilon"))); };
  if (probabilities)
    return {sum_last_keep(labels * minus_log(p))};
  const Var label = one_hot(labels, p.shape().back());
  const Var loss = minus_log(sum_last_keep(select(label, p, 0)));
  if (const JsonValue *weights = b.attrs.find("class_weights")) {
    const Var of_row = sum_last_keep(select(label, row_of(p, *weights), 0));
    return without_ignored(b, {of_row * loss, of_row});
  }
  return without_ignored(b, {loss});
}

LossOperand labels(bool distributions, std::string_view doc) {
  LossOperand operand = wanted("labels", doc, distributions ? LossOperand::Values::distribution : LossOperand::Values::any);
  operand.classes = true;
  return operand;
}

constexpr std::string_view kLabels =
    "integer class labels, one axis less than the prediction, or probabilities, f32 of its shape, which sum to 1";

const ObjectSpec &weights_by_label() {
  static const ObjectSpec spec = [] {
    Attr weight = attr::number("class weight", "an example of that label counts so often").at_least(0);
    weight.any_key = true;
    return ObjectSpec{"weights by label", "The weight of each of the \"labels\" of the input.", {}, {std::move(weight)}};
  }();
  return spec;
}

Attr class_weights() {
  return attr::any_of("class_weights",
                      {attr::list("", attr::number("", "").at_least(0), "").items(1), attr::object("", weights_by_label(), "")},
                      "one for each class, for integer labels: an example counts as often as its class has weight, and the "
                      "loss is divided by the sum of the weights; where the input has \"labels\", also by label: "
                      "{\"ham\": 1, \"spam\": 5}")
      .otherwise("all examples count once");
}

} // namespace

std::vector<LossDef> class_losses() {
  return {
      loss_row("softmax_cross_entropy",
               "Cross-entropy of one of several classes, from logits along the last axis; mean over all rows.",
               {judged("logits"), labels(true, kLabels)}, {label_smoothing(), class_weights(), ignored_label()},
               softmax_cross_entropy, Link::softmax, {"class_weights"}),
      loss_row("focal",
               "Cross-entropy of one of several classes, from logits along the last axis, where a term is multiplied by the "
               "chance of the other classes to the power of gamma; mean over all rows: Lin et al. 2017; as Keras' "
               "CategoricalFocalCrossentropy, whose alpha is 0.25 by default.",
               {judged("logits"), labels(true, kLabels)},
               {attr::number("gamma", "how little rows count that are right already").at_least(0).defaults_to("2"),
                attr::one_or_list("alpha", attr::number("", "").at_least(0),
                                  "a factor, of all rows or one for each class; the loss is not divided by it")
                    .items(1)
                    .otherwise("all have the factor 1"),
                ignored_label()},
               focal, Link::softmax, {"alpha"}),
      loss_row("nll",
               "Minus the logarithm of the probability of the label's class; mean over all rows. From a layer that ends in "
               "softmax; softmax_cross_entropy of its logits is the same and exact where a probability is small. PyTorch's "
               "NLLLoss takes logarithms: log_input true.",
               {judged("probabilities"), labels(true, kLabels)},
               {attr::boolean("log_input", "whether the layer holds the logarithms of the probabilities").defaults_to("false"),
                epsilon_of("a smaller probability counts as this, with the gradient of the probability; not of logarithms",
                           "1e-12"),
                class_weights(), ignored_label()},
               nll, Link::largest, {"class_weights"}),
  };
}

} // namespace gradc
