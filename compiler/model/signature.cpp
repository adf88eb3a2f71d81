// The JSON a compiled model carries about itself.
#include "compiler/model/tables/losses.h"
#include "compiler/model/tables/metrics.h"
#include "compiler/model/model.h"

#include <nlohmann/json.hpp>

namespace gradc {

using Json = nlohmann::ordered_json;

static Json describe(const Model &model, const ModelMetric &metric) {
  Json json = {{"name", metric.name},
               {"kind", metric.def->kind},
               {"terms", Json::array()},
               {"higher_is_better", metric.def->higher_is_better}};
  for (std::string_view term : metric.def->terms)
    json["terms"].push_back(metric.name + "." + std::string(term));
  if (metric.def->kind == "r2")
    json["per_example"] = element_count(model.shape_of(metric.prediction));
  return json;
}

std::string signature(const Model &model, DType float_dtype) {
  Json inputs = Json::object();
  for (const ModelInput &input : model.inputs) {
    const DType dtype = is_float(input.dtype) ? float_dtype : input.dtype;
    inputs[input.name] = {{"shape", input.shape}, {"dtype", to_string(dtype)}};
    if (input.classes > 0)
      inputs[input.name]["classes"] = input.classes;
  }
  Json metrics = {{{"name", "loss"}, {"kind", "mean"}, {"terms", {"loss.sum"}}, {"higher_is_better", false}}};
  for (const ModelMetric &metric : model.metrics)
    metrics.push_back(describe(model, metric));
  Json outputs = Json::array();
  for (Source output : model.outputs)
    outputs.push_back(model.name_of(output));
  Json scheduled = Json::array();
  if (has_entry(model, Entry::schedule))
    scheduled.push_back("learning_rate");
  const Json json = {{"gradc", 1},
                     {"name", model.name},
                     {"dtype", to_string(float_dtype)},
                     {"model", Json::parse(to_text(model.document))},
                     {"inputs", std::move(inputs)},
                     {"outputs", std::move(outputs)},
                     {"scheduled", std::move(scheduled)},
                     {"metrics", std::move(metrics)}};
  return json.dump();
}

} // namespace gradc
