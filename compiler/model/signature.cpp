// The JSON a compiled model carries about itself.
#include "compiler/model/tables/losses.h"
#include "compiler/model/tables/metrics.h"
#include "compiler/model/tables/optimizers.h"
#include "compiler/model/model.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace gradc {

using Json = nlohmann::ordered_json;

static Json describe(const Model &model, const ModelMetric &metric) {
  Json json = {{"name", metric.name},
               {"kind", to_string(kind_of(*metric.def, metric.ignored))},
               {"terms", Json::array()},
               {"higher_is_better", metric.higher_is_better}};
  for (std::string_view term : terms_of(*metric.def, metric.ignored))
    json["terms"].push_back(metric.name + "." + std::string(term));
  if (!metric.named.empty())
    return json;
  Shape with_batch = model.shape_of(metric.prediction);
  with_batch.insert(with_batch.begin(), 1);
  if (metric.def->kind == MetricKind::r2)
    json["per_example"] = element_count(with_batch);
  if (metric.def->kind == MetricKind::auc)
    json["per_example"] = judged_classes(metric.loss->link, with_batch);
  if (!metric.average.empty())
    json["average"] = metric.average;
  json["target"] = model.name_of(metric.target);
  return json;
}

/// "classes_of" is the input whose classes an output has logits for, along its last axis; with "yes_no" each element is the
/// logit of class 1 against class 0.
static Json describe(const Model &model, Source output) {
  Json json = {{"name", model.name_of(output)}};
  const ModelLoss *loss = model.loss_of(output);
  if (!loss || !loss->target)
    return json;
  const ModelInput &target = model.inputs[*loss->target];
  const bool yes_no = answers_yes_or_no(loss->def->link);
  if (yes_no || is_class_labels(*loss->def->target(), {target.dtype, target.shape}, model.shape_of(output)))
    json["classes_of"] = target.name;
  if (yes_no)
    json["yes_no"] = true;
  return json;
}

/// Limits that are infinite are left out: JSON has no such numbers.
static Json describe(const Domain &domain) {
  Json json = Json::object();
  const auto limit = [](Json &to, const char *name, double value) {
    if (std::isfinite(value))
      to[name] = value;
  };
  limit(json, "least", domain.least);
  limit(json, "most", domain.most);
  if (domain.row > 0) {
    json["row"] = {{"elements", domain.row}};
    limit(json["row"], "least", domain.sum_least);
    limit(json["row"], "most", domain.sum_most);
  }
  return json;
}

std::string optimizer_state(const Model &model) {
  const JsonValue &attrs = model.document.at("optimizer");
  std::vector<std::string_view> names = {attrs.string_at("type")};
  for (const ModelParam &param : model.params)
    for (const Slot &slot : model.optimizer->slots(attrs, param.shape))
      if (std::ranges::find(names, slot.name) == names.end())
        names.push_back(slot.name);
  return fmt::format("{}", fmt::join(names, " "));
}

/// The loss, and where it has several parts, each of them.
static Json losses(const Model &model) {
  if (!has_parts(model))
    return {{{"name", "loss"}, {"kind", "mean"}, {"terms", {"loss.sum"}}, {"higher_is_better", false}}};
  Json terms = Json::array(), factors = Json::array(), parts = Json::array();
  for (const ModelLoss &loss : model.losses) {
    const Json fraction = {loss.name + ".sum", loss.name + ".weight"};
    terms.insert(terms.end(), fraction.begin(), fraction.end());
    factors.push_back(loss.weight);
    if (model.losses.size() > 1)
      parts.push_back({{"name", loss.name}, {"kind", "ratio"}, {"terms", fraction}, {"higher_is_better", false}});
  }
  terms.push_back("loss.penalty");
  Json all = {{{"name", "loss"}, {"kind", "total"}, {"terms", terms}, {"factors", factors}, {"higher_is_better", false}}};
  all.insert(all.end(), parts.begin(), parts.end());
  return all;
}

/// Losses whose targets are standardized are sums of numbers without a unit.
static Json standardized_targets(const Model &model) {
  Json names = Json::array();
  for (const ModelLoss &loss : model.losses) {
    std::vector<Source> read = loss.named;
    for (const std::optional<Source> &operand : loss.operands)
      if (operand)
        read.push_back(*operand);
    for (Source s : read)
      if (model.is_input(s) && model.inputs[s].preprocessing.standardize)
        names.push_back(model.name_of(s));
  }
  return names;
}

/// The inputs that the outputs depend on.
static Json features(const Model &model) {
  std::vector<bool> needed(model.inputs.size() + model.layers.size());
  for (Source output : model.outputs)
    needed[output] = true;
  for (auto layer = model.order.rbegin(); layer != model.order.rend(); ++layer)
    if (needed[model.inputs.size() + *layer])
      for (Source source : model.layers[*layer].sources)
        needed[source] = true;
  Json names = Json::array();
  for (Source input = 0; input < model.inputs.size(); ++input)
    if (needed[input])
      names.push_back(model.inputs[input].name);
  return names;
}

std::string signature(const Model &model, DType float_dtype, const std::string &data_folder) {
  Json inputs = Json::object();
  for (const ModelInput &input : model.inputs) {
    inputs[input.name] = {{"shape", input.shape}, {"dtype", to_string(input.dtype_in(float_dtype))}};
    if (input.classes > 0)
      inputs[input.name]["classes"] = input.classes;
    if (input.ignored)
      inputs[input.name]["ignored"] = *input.ignored;
    if (const std::optional<Domain> domain = input.raw_domain())
      inputs[input.name]["domain"] = describe(*domain);
    if (!input.labels.empty())
      inputs[input.name]["labels"] = input.labels;
    if (input.preprocessing.standardize)
      inputs[input.name]["standardize"] = true;
  }
  Json metrics = losses(model);
  for (const ModelMetric &metric : model.metrics)
    metrics.push_back(describe(model, metric));
  if (Json names = standardized_targets(model); !names.empty())
    metrics[0]["standardized_targets"] = std::move(names);
  Json outputs = Json::array();
  for (Source output : model.outputs)
    outputs.push_back(describe(model, output));
  Json scheduled = Json::array();
  Json plateaus = Json::object();
  for (const ModelHyper &hyper : model.hypers)
    if (hyper.schedule) {
      scheduled.push_back(hyper.name);
      if (hyper.schedule->string_at("type") == "plateau")
        plateaus[hyper.name] = Json::parse(to_text(*hyper.schedule));
    }
  Json frozen = Json::array();
  for (const ModelParam &param : model.params)
    if (!param.trainable)
      frozen.push_back(param.name);
  Json json = {{"gradc", 1},
                     {"name", model.name},
                     {"dtype", to_string(float_dtype)},
                     {"model", Json::parse(to_text(model.document))},
                     {"inputs", std::move(inputs)},
                     {"outputs", std::move(outputs)},
                     {"features", features(model)},
                     {"optimizer", optimizer_state(model)},
                     {"accumulate", model.document.at("optimizer").integer_at("accumulate")},
                     {"frozen", std::move(frozen)},
                     {"scheduled", std::move(scheduled)},
                     {"metrics", std::move(metrics)}};
  if (has_entry(model, Entry::calibrate))
    json["calibrate"] = true;
  if (const BatchLimit limit = model.training_batch(); limit.least > 1)
    json["least_batch"] = {{"rows", limit.least}, {"reason", limit.reason}, {"location", limit.location}};
  if (!plateaus.empty())
    json["plateaus"] = std::move(plateaus);
  if (!data_folder.empty() && model.document.at("train").find("data"))
    json["data_folder"] = data_folder;
  return json.dump();
}

} // namespace gradc
