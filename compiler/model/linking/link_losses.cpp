// Losses, metrics and outputs: which layers and inputs they are about.
#include "compiler/model/layers/layer.h"
#include "compiler/model/linking/linker_state.h"
#include "compiler/model/tables/losses.h"
#include "compiler/model/tables/metrics.h"
#include "compiler/model/linking/resolve.h"
#include "ir/suggest.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

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

Source Linker::find_operand(const LossOperand &operand, const JsonValue &name, const std::string &context) {
  switch (operand.reads) {
  case LossOperand::Reads::layer:
    return find_prediction(name, context);
  case LossOperand::Reads::input:
    return find_target(name, context);
  case LossOperand::Reads::any:
    return find(name, context, "input or layer", [](Source) { return true; });
  }
  return kNowhere;
}

void Linker::link_losses() {
  JsonValue *losses = mutable_member(model_.document, "loss");
  for (size_t i = 0; losses && i < losses->items.size(); ++i) {
    JsonValue &attrs = losses->items[i];
    if (!attrs.valid || model_.layers.empty())
      continue;
    ModelLoss loss{&find_loss(attrs.string_at("type")), attrs, attrs.number_at("weight"), {}, {}, {}, ""};
    const std::string context = "loss " + attrs.string_at("type");
    if (const Attr *key = expression_key(loss.def->spec)) {
      link_expression_loss(std::move(loss), attrs.at(key->name), context);
      continue;
    }
    if (!link_operands(attrs, loss, context))
      continue;
    loss.attrs = attrs;
    loss.name = fresh_loss_name(model_.name_of(loss.prediction()));
    link_weights(loss, context);
    check_operands(loss, context);
    list_class_weights(loss, context);
    check_lists(loss, context);
    check_logits(*loss.def, loss.prediction(), attrs.at(loss.def->prediction().key).span, context);
    model_.losses.push_back(loss);
  }
}

void Linker::link_expression_loss(ModelLoss loss, const JsonValue &text, const std::string &context) {
  loss.name = fresh_loss_name("expression");
  loss.named = link_expression(text, context);
  if (loss.named.empty())
    return;
  if (std::ranges::all_of(loss.named, [&](Source s) { return model_.is_input(s); }))
    error(text.span, context + ": it names no layer, so there is nothing to train");
  link_weights(loss, context);
  model_.losses.push_back(std::move(loss));
}

bool Linker::link_operands(JsonValue &attrs, ModelLoss &loss, const std::string &context) {
  using Presence = LossOperand::Presence;
  bool good = true;
  for (const LossOperand &operand : loss.def->operands) {
    const JsonValue *name = attrs.find(operand.key);
    if (name) {
      loss.operands.push_back(find_operand(operand, *name, context));
      good &= loss.operands.back() != kNowhere;
    } else if (operand.presence == Presence::last_layer) {
      loss.operands.push_back(model_.inputs.size() + model_.layers.size() - 1);
      attrs.set(operand.key, JsonValue::of(model_.layers.back().name, anchor(attrs)));
    } else {
      loss.operands.push_back(std::nullopt);
    }
    if (!operand.other.empty())
      good &= one_of_two(operand, attrs, context);
  }
  return good;
}

bool Linker::one_of_two(const LossOperand &operand, const JsonValue &attrs, const std::string &context) {
  const JsonValue *one = attrs.find(operand.key), *other = attrs.find(operand.other);
  if (!one && !other)
    error(anchor(attrs), fmt::format("{}: one of '{}' and '{}' is needed", context, operand.key, operand.other));
  if (one && other)
    error(other->span, fmt::format("{}: give only one of '{}' and '{}'", context, operand.key, operand.other));
  return (one != nullptr) != (other != nullptr);
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
      return error(name->span, fmt::format("{}: 'example_weights' is an input of one float for each example, but '{}' is "
                                           "{}", context,
                                           input.name, to_string(Type{input.dtype, input.shape})));
    Domain not_negative = input.domain.value_or(Domain{});
    not_negative.least = std::max(not_negative.least, 0.0);
    input.domain = not_negative;
    loss.example_weights = source;
  }
}

/// Class weights by label as the list that they stand for. Labels that are too many are the mistake of the data.
void Linker::list_class_weights(ModelLoss &loss, const std::string &context) {
  const JsonValue *weights = loss.attrs.find("class_weights");
  if (!weights || !weights->valid || !weights->is(JsonValue::Kind::object) || !loss.target)
    return;
  const ModelInput &input = model_.inputs[*loss.target];
  const JsonValue *labels = &model_.document;
  for (std::string_view key : std::initializer_list<std::string_view>{"train", "data", input.name, "labels"})
    labels = labels ? labels->find(key) : nullptr;
  if (!is_integer(input.dtype) || (labels && !labels->valid))
    return;
  if (!labels)
    return error(weights->span, fmt::format("{}: 'class_weights' by label need \"labels\" of '{}' in train.data", context, input.name));
  std::vector<std::string_view> texts, missing;
  JsonValue list = JsonValue::array(weights->span);
  for (const JsonValue &label : labels->items) {
    texts.push_back(label.text);
    if (const JsonValue *weight = weights->find(label.text))
      list.items.push_back(*weight);
    else
      missing.push_back(label.text);
  }
  bool known = true;
  for (const JsonMember &given : weights->members)
    if (std::ranges::find(texts, given.key) == texts.end()) {
      error(given.key_span, fmt::format("{}: class_weights: '{}' has no label '{}'{}", context, input.name, given.key,
                                        did_you_mean(given.key, missing)));
      known = false;
    }
  if (known && !missing.empty())
    error(weights->span, fmt::format("{}: class_weights: no weight for '{}'", context, fmt::join(missing, "', '")));
  const Shape &prediction = model_.shape_of(loss.prediction());
  const bool too_many =
      known_[loss.prediction()] && !prediction.empty() && static_cast<int64_t>(texts.size()) > prediction.back();
  if (known && missing.empty() && !too_many)
    loss.attrs.set("class_weights", std::move(list));
}

/// Keys whose lists have a number for each element of the last axis, and those that are for integer labels alone.
void Linker::check_lists(const ModelLoss &loss, const std::string &context) {
  if (!known_[loss.prediction()])
    return;
  const Shape &prediction = model_.shape_of(loss.prediction());
  for (const char *key : {"class_weights", "ignore"})
    if (const JsonValue *value = loss.attrs.find(key); value && value->valid && loss.target && known_[*loss.target])
      if (const ModelInput &labels = model_.inputs[*loss.target]; !is_integer(labels.dtype))
        return error(value->span, fmt::format("{}: '{}' {} for integer labels, but '{}' is {}", context, key,
                                              value->is(JsonValue::Kind::integer) ? "is" : "are", labels.name,
                                              to_string(Type{labels.dtype, labels.shape})));
  for (std::string_view key : loss.def->per_class) {
    const JsonValue *list = loss.attrs.find(key);
    const bool one_for_all = list && list->items.size() == 1 && find_attr(loss.def->spec.attrs, key).or_single;
    const bool checked = list && list->valid && list->is(JsonValue::Kind::array) && !one_for_all && !prediction.empty();
    if (checked && static_cast<int64_t>(list->items.size()) != prediction.back())
      error(list->span, fmt::format("{}: expected {} '{}', one for each {}, got {}", context, prediction.back(), key,
                                    chooses_class(loss.def->link) ? "class" : "element of the last axis", list->items.size()));
  }
}

/// "shape [3]", "i32[] or f32[3]".
static std::string wanted_operand(const LossOperand &operand, const Shape &wanted, std::string_view prediction_key) {
  if (!operand.classes)
    return "shape " + to_string(wanted);
  if (wanted.empty())
    return fmt::format("{} with at least one axis", prediction_key);
  const Type labels{DType::i32, Shape(wanted.begin(), wanted.end() - 1)};
  return fmt::format("{} or {}", to_string(labels), to_string(Type{DType::f32, wanted}));
}

/// Finds the target, too. An operand whose shape is unknown is taken to fit. Of those that do not fit the first is reported:
/// it may be the prediction that is wrong.
void Linker::check_operands(ModelLoss &loss, const std::string &context) {
  const LossDef &def = *loss.def;
  const Source prediction = loss.prediction();
  bool good = true;
  try {
    for (size_t i = 1; i < def.operands.size(); ++i) {
      if (!loss.operands[i])
        continue;
      const LossOperand &operand = def.operands[i];
      const Source source = *loss.operands[i];
      const bool input = model_.is_input(source), known = known_[prediction] && known_[source];
      const Shape &shape = model_.shape_of(prediction), wanted = known ? operand_shape(operand, loss.attrs, shape) : shape;
      if (input && !loss.target && wanted == shape)
        loss.target = source;
      const Span span = loss.attrs.at(operand.key).span;
      good = good && (!known || check_pair(def, operand, wanted, prediction, source, span, context));
      if (good && known && input)
        restrict_input(model_.inputs[source], operand, wanted, loss.ignored());
    }
  } catch (const Error &problem) {
    error(loss.attrs.at(def.prediction().key).span,
          fmt::format("{}: '{}' has shape {}; {}", context, model_.name_of(prediction),
                      to_string(model_.shape_of(prediction)), problem.what()));
  }
}

bool Linker::check_pair(const LossDef &def, const LossOperand &operand, const Shape &wanted, Source prediction, Source source,
                        Span span, const std::string &context) {
  const Type type{model_.is_input(source) ? model_.inputs[source].dtype : DType::f32, model_.shape_of(source)};
  if (operand_fits(operand, type, wanted))
    return true;
  error(span, fmt::format("{}: '{}', {}, does not fit {} '{}' of shape {}; expected "
                          "{}", context, model_.name_of(source), to_string(type),
                          def.prediction().key, model_.name_of(prediction), to_string(model_.shape_of(prediction)),
                          wanted_operand(operand, wanted, def.prediction().key)));
  return false;
}

/// An input that several losses read has to suit all of them.
void Linker::restrict_input(ModelInput &input, const LossOperand &operand, const Shape &wanted,
                            std::optional<int64_t> ignored) {
  const bool labels = is_class_labels(operand, {input.dtype, input.shape}, wanted);
  const std::optional<Domain> domain = operand_domain(operand, wanted);
  const bool chance = operand.values == LossOperand::Values::chance; // one that is an integer is 0 or 1
  if (is_integer(input.dtype) && (labels || chance)) {
    const int64_t classes = labels ? wanted.back() : 2;
    input.ignored = input.classes == 0 || input.ignored == ignored ? ignored : std::nullopt;
    input.classes = input.classes > 0 ? std::min(input.classes, classes) : classes;
  } else if (domain && !is_integer(input.dtype)) {
    const Domain both = input.domain.value_or(*domain);
    input.domain = {std::max(both.least, domain->least), std::min(both.most, domain->most), std::max(both.row, domain->row),
                    std::max(both.sum_least, domain->sum_least), std::min(both.sum_most, domain->sum_most)};
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
  ModelMetric metric{&def, nullptr, name, kNowhere, kNowhere, {}, "", higher_is_better, attrs, link_expression(text, context)};
  if (!metric.named.empty())
    model_.metrics.push_back(std::move(metric));
}

void Linker::link_metric(JsonValue &attrs, const std::string &name, const std::string &context) {
  ModelMetric metric{&find_metric(attrs.string_at("type")), nullptr, name, kNowhere, kNowhere, {},
                     attrs.find("average") ? attrs.string_at("average") : "", false, {}, {}};
  metric.higher_is_better = metric.def->higher_is_better;
  const JsonValue *prediction = attrs.find("prediction"), *target = attrs.find("target");
  if (prediction && (metric.prediction = find_prediction(*prediction, context)) == kNowhere)
    return;
  if (target && (metric.target = find_target(*target, context)) == kNowhere)
    return;
  for (const ModelLoss &loss : model_.losses) {
    if (!loss.target)
      continue;
    const bool right_kind = metric.def->needs_link ? loss.def->link != Link::none
                                                   : loss.def->prediction().estimates == LossOperand::Estimates::target;
    const bool applies = right_kind && (!prediction || loss.judges(metric.prediction)) &&
                         (!target || metric.target == *loss.target);
    if (applies && !metric.loss) {
      metric.loss = loss.def, metric.ignored = loss.ignored();
      metric.prediction = loss.prediction(), metric.target = *loss.target;
      attrs.set("prediction", JsonValue::of(model_.name_of(metric.prediction), anchor(attrs)));
      attrs.set("target", JsonValue::of(model_.name_of(metric.target), anchor(attrs)));
    }
  }
  if (!metric.loss && prediction && target && !metric.def->needs_link) {
    metric.loss = &find_loss("mse");
    const Shape &shape = model_.shape_of(metric.prediction);
    if (known_[metric.prediction] && known_[metric.target])
      check_pair(*metric.loss, *metric.loss->target(), shape, metric.prediction, metric.target, target->span, context);
  }
  if (const JsonValue *threshold = attrs.find("threshold"); threshold && metric.loss && metric.loss->link != Link::sigmoid)
    error(threshold->span, fmt::format("{}: 'threshold' needs a loss that gives the chance of a yes, such as "
                                       "binary_cross_entropy; this one is {}", context, metric.loss->spec.name));
  metric.attrs = attrs;
  if (metric.loss)
    model_.metrics.push_back(metric);
  else if (model_.losses.size() == list("loss").size() && !model_.losses.empty()) // else a loss it may belong to is already reported
    error(anchor(attrs),
          fmt::format("{}: {} needs {}", context, metric.def->spec.name,
                      metric.def->needs_link ? "a loss of classes or of yes/no answers, such as a cross-entropy"
                                             : "a loss whose prediction estimates its target, such as mse, or 'prediction' "
                                               "and 'target'"));
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
      add_output(loss.prediction());
  std::set<Source> read;
  for (const ModelLayer &layer : model_.layers)
    read.insert(layer.sources.begin(), layer.sources.end());
  std::set<Source> of_blocks; // the outputs of blocks; what else no one reads in a block is never used
  for (const auto &[name, reference] : names_)
    if (reference.alias)
      of_blocks.insert(reference.source);
  for (size_t i = 0; i < model_.layers.size(); ++i)
    if (const Source s = model_.inputs.size() + i; !read.contains(s) && (expanded_.scopes[i].empty() || of_blocks.contains(s)))
      add_output(s);
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
