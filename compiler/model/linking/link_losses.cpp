// Losses, metrics and outputs: which layers and inputs they are about.
#include "compiler/model/layers/layer.h"
#include "compiler/model/linking/linker_state.h"
#include "compiler/model/tables/losses.h"
#include "compiler/model/tables/metrics.h"
#include "compiler/model/linking/resolve.h"

#include <algorithm>
#include <fmt/format.h>

namespace gradc {

Source Linker::find_prediction(const JsonValue &name, const std::string &context) {
  const Source s = find(name, context, "layer", [&](Source candidate) { return !model_.is_input(candidate); });
  if (s != kNowhere && model_.is_input(s)) {
    error(name.span, fmt::format("{}: '{}' is an input; a layer is wanted here", context, name.text));
    return kNowhere;
  }
  return s;
}

Source Linker::find_target(const JsonValue &name, const std::string &context) {
  const Source s = find(name, context, "input", [&](Source candidate) { return model_.is_input(candidate); });
  if (s != kNowhere && !model_.is_input(s)) {
    error(name.span, fmt::format("{}: '{}' is a layer; an input is wanted here", context, name.text));
    return kNowhere;
  }
  return s;
}

void Linker::link_losses() {
  JsonValue *losses = mutable_member(model_.document, "loss");
  for (size_t i = 0; losses && i < losses->items.size(); ++i) {
    JsonValue &attrs = losses->items[i];
    if (!attrs.valid || model_.layers.empty())
      continue;
    const LossDef &def = find_loss(attrs.string_at("type"));
    const std::string context = "loss " + attrs.string_at("type");
    if (const Attr *key = expression_key(def.spec)) {
      link_expression_loss(def, attrs, attrs.at(key->name), context);
      continue;
    }
    const Source last = model_.inputs.size() + model_.layers.size() - 1;
    const bool given = attrs.find(def.prediction_key) != nullptr;
    if (!given)
      attrs.set(def.prediction_key, JsonValue::of(model_.name_of(last), anchor(attrs)));
    const JsonValue &prediction = attrs.at(def.prediction_key), &target = attrs.at(def.target_key);
    ModelLoss loss{&def, attrs, attrs.number_at("weight"), given ? find_prediction(prediction, context) : last,
                   find_target(target, context), {}, ""};
    if (loss.prediction == kNowhere || loss.target == kNowhere)
      continue;
    loss.name = fresh_loss_name(model_.name_of(loss.prediction));
    link_weights(loss, context);
    if (known_[loss.prediction] && known_[loss.target])
      check_pair(def, loss.prediction, loss.target, target.span, context);
    check_logits(def, loss.prediction, prediction.span, context);
    model_.losses.push_back(loss);
  }
}

void Linker::link_expression_loss(const LossDef &def, const JsonValue &attrs, const JsonValue &text,
                                  const std::string &context) {
  ModelLoss loss{&def, attrs, attrs.number_at("weight"), kNowhere, kNowhere, {}, fresh_loss_name("expression"), {}};
  loss.named = link_expression(text, context);
  if (loss.named.empty())
    return;
  if (std::ranges::all_of(loss.named, [&](Source s) { return model_.is_input(s); }))
    error(text.span, context + ": it names no layer, so there is nothing to train");
  link_weights(loss, context);
  model_.losses.push_back(loss);
}

/// "loss.scores" for the first that judges the layer, then "loss.scores.2".
std::string Linker::fresh_loss_name(const std::string &what) const {
  const std::string first = "loss." + what;
  const auto same = std::ranges::count_if(
      model_.losses, [&](const ModelLoss &loss) { return loss.name == first || loss.name.starts_with(first + "."); });
  return same == 0 ? first : fmt::format("{}.{}", first, same + 1);
}

void Linker::link_weights(ModelLoss &loss, const std::string &context) {
  if (const JsonValue *name = loss.attrs.find("example_weights")) {
    const Source source = find_target(*name, context);
    if (source == kNowhere)
      return;
    ModelInput &input = model_.inputs[source];
    if (element_count(input.shape) != 1 || is_integer(input.dtype))
      return error(name->span, fmt::format("{}: 'example_weights' is an input of one float for each example, but '{}' is {}", context,
                                           input.name, to_string(Type{input.dtype, input.shape})));
    Domain not_negative = input.domain.value_or(Domain{});
    not_negative.least = std::max(not_negative.least, 0.0);
    input.domain = not_negative;
    loss.example_weights = source;
  }
  const JsonValue *classes = loss.attrs.find("class_weights");
  if (!classes || !classes->valid || !known_[loss.prediction] || !known_[loss.target])
    return;
  const Shape &logits = model_.shape_of(loss.prediction);
  const ModelInput &labels = model_.inputs[loss.target];
  if (!is_integer(labels.dtype))
    error(classes->span, fmt::format("{}: 'class_weights' are for integer labels, but '{}' is {}", context, labels.name,
                                     to_string(Type{labels.dtype, labels.shape})));
  else if (!logits.empty() && static_cast<int64_t>(classes->items.size()) != logits.back())
    error(classes->span, fmt::format("{}: expected {} 'class_weights', one for each class, got {}", context, logits.back(),
                                     classes->items.size()));
}

/// "shape [3]", "i32[] or f32[3]".
static std::string wanted_target(const LossDef &def, const Shape &prediction) {
  if (!def.classes)
    return "shape " + to_string(prediction);
  if (prediction.empty())
    return "logits with at least one axis";
  const Type labels{DType::i32, Shape(prediction.begin(), prediction.end() - 1)};
  return fmt::format("{} or {}", to_string(labels), to_string(Type{DType::f32, prediction}));
}

void Linker::check_pair(const LossDef &def, Source prediction, Source target, Span span,
                        const std::string &context) {
  ModelInput &input = model_.inputs[target];
  const Shape &shape = model_.shape_of(prediction);
  if (!target_fits(def, {input.dtype, input.shape}, shape))
    error(span, fmt::format("{}: '{}', {}, does not fit {} '{}' of shape {}; expected {}", context,
                            input.name, to_string(Type{input.dtype, input.shape}), def.prediction_key,
                            model_.name_of(prediction), to_string(shape), wanted_target(def, shape)));
  else
    restrict_target(input, def, shape);
}

/// A target of several losses has to suit all of them.
void Linker::restrict_target(ModelInput &input, const LossDef &def, const Shape &prediction) {
  const bool labels = is_class_labels(def, {input.dtype, input.shape}, prediction);
  const std::optional<Domain> wanted = target_domain(def, prediction);
  if (is_integer(input.dtype) && (labels || wanted)) { // chances that are integers are 0 or 1
    const int64_t classes = labels ? prediction.back() : 2;
    input.classes = input.classes > 0 ? std::min(input.classes, classes) : classes;
  } else if (wanted) {
    const Domain both = input.domain.value_or(*wanted);
    input.domain = {std::max(both.least, wanted->least), std::min(both.most, wanted->most), std::max(both.row, wanted->row),
                    std::max(both.sum_least, wanted->sum_least), std::min(both.sum_most, wanted->sum_most)};
  }
}

void Linker::check_logits(const LossDef &def, Source prediction, Span span, const std::string &context) {
  const ModelLayer &layer = model_.layers[prediction - model_.inputs.size()];
  const JsonValue *activation = layer.attrs.find("activation");
  if (def.link == Link::none || !layer.def || !activation)
    return;
  if (const ActivationDef &last = find_activation(*activation); last.link == def.link)
    error(span,
          fmt::format("{0}: '{1}' already ends in {2}, but this loss applies {2} itself; give it the logits",
                      context, layer.name, last.spec.name));
}

void Linker::link_metrics() {
  std::set<std::string> seen = {"loss"};
  JsonValue *metrics = mutable_member(model_.document, "metrics");
  for (size_t i = 0; metrics && i < metrics->items.size(); ++i) {
    JsonValue &attrs = metrics->items[i];
    if (!attrs.valid)
      continue;
    if (!attrs.find("name"))
      attrs.set("name", attrs.at("type"));
    const std::string name = attrs.string_at("name"), context = "metric '" + name + "'";
    if (!seen.insert(name).second)
      error(anchor(attrs), context + ": the name is already taken; give one of them another 'name'");
    if (const Attr *key = expression_key(find_metric(attrs.string_at("type")).spec))
      link_expression_metric(attrs, attrs.at(key->name), name, context);
    else
      link_metric(attrs, name, context);
  }
}

void Linker::link_expression_metric(const JsonValue &attrs, const JsonValue &text, const std::string &name,
                                    const std::string &context) {
  const MetricDef &def = find_metric(attrs.string_at("type"));
  const bool higher_is_better = attrs.boolean_at("higher_is_better");
  ModelMetric metric{&def, nullptr, name, kNowhere, kNowhere, "", higher_is_better, attrs, link_expression(text, context)};
  if (!metric.named.empty())
    model_.metrics.push_back(std::move(metric));
}

void Linker::link_metric(JsonValue &attrs, const std::string &name, const std::string &context) {
  ModelMetric metric{&find_metric(attrs.string_at("type")), nullptr, name, kNowhere, kNowhere,
                     attrs.find("average") ? attrs.string_at("average") : "", false, {}, {}};
  metric.higher_is_better = metric.def->higher_is_better;
  const JsonValue *prediction = attrs.find("prediction"), *target = attrs.find("target");
  if (prediction && (metric.prediction = find_prediction(*prediction, context)) == kNowhere)
    return;
  if (target && (metric.target = find_target(*target, context)) == kNowhere)
    return;
  for (const ModelLoss &loss : model_.losses) {
    const bool applies = loss.named.empty() && (loss.def->link != Link::none) == metric.def->needs_link &&
                         (!prediction || metric.prediction == loss.prediction) &&
                         (!target || metric.target == loss.target);
    if (applies && !metric.loss) {
      metric.loss = loss.def, metric.prediction = loss.prediction, metric.target = loss.target;
      attrs.set("prediction", JsonValue::of(model_.name_of(loss.prediction), anchor(attrs)));
      attrs.set("target", JsonValue::of(model_.name_of(loss.target), anchor(attrs)));
    }
  }
  if (!metric.loss && prediction && target && !metric.def->needs_link) {
    metric.loss = &find_loss("mse");
    if (known_[metric.prediction] && known_[metric.target])
      check_pair(*metric.loss, metric.prediction, metric.target, target->span, context);
  }
  metric.attrs = attrs;
  if (metric.loss)
    model_.metrics.push_back(metric);
  else if (model_.losses.size() == list("loss").size() && !model_.losses.empty()) // else a loss it may belong to is already reported
    error(anchor(attrs),
          fmt::format("{}: {} needs {}", context, metric.def->spec.name,
                      metric.def->needs_link ? "a cross-entropy loss to judge"
                                             : "a loss mse or mae, or 'prediction' and 'target'"));
}

void Linker::link_outputs() {
  if (const JsonValue *outputs = model_.document.find("outputs")) {
    for (const JsonValue &name : outputs->items) {
      const Source s = name.valid ? find_prediction(name, "outputs") : kNowhere;
      if (s != kNowhere && !add_output(s))
        error(name.span, fmt::format("outputs: '{}' is already one", name.text));
    }
    return;
  }
  for (const ModelLoss &loss : model_.losses)
    if (loss.named.empty())
      add_output(loss.prediction);
  std::set<Source> read;
  for (const ModelLayer &layer : model_.layers)
    read.insert(layer.sources.begin(), layer.sources.end());
  for (size_t i = 0; i < model_.layers.size(); ++i)
    if (!read.contains(model_.inputs.size() + i))
      add_output(model_.inputs.size() + i);
  JsonValue names = JsonValue::array(model_.document.span);
  for (Source s : model_.outputs)
    names.items.push_back(JsonValue::of(model_.name_of(s), names.span));
  model_.document.set("outputs", std::move(names));
}

bool Linker::add_output(Source s) {
  if (std::find(model_.outputs.begin(), model_.outputs.end(), s) != model_.outputs.end())
    return false;
  model_.outputs.push_back(s);
  return true;
}

} // namespace gradc
