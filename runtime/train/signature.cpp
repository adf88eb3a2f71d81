// Reads a signature; see signature.h.
#include "runtime/train/signature.h"

#include "runtime/gradc.h"
#include "runtime/train/error.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>

namespace gradc::runtime {
namespace {

using Json = nlohmann::json;

struct DtypeInfo {
  std::string_view name;
  int64_t bytes;
};
constexpr std::array<DtypeInfo, 5> kDtypes{{{"f32", 4}, {"f64", 8}, {"i32", 4}, {"i64", 8}, {"bool", 1}}};

int32_t parse_dtype(const std::string &name) {
  for (size_t i = 0; i < kDtypes.size(); ++i)
    if (kDtypes[i].name == name)
      return static_cast<int32_t>(i);
  throw Error(fmt::format("signature: expected a dtype f32, f64, i32, i64 or bool, got '{}'", name));
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

gradc_core_domain parse_domain(const Json &json) {
  gradc_core_domain domain{json.value("least", -kInfinity), json.value("most", kInfinity), 0, -kInfinity, kInfinity};
  if (!json.contains("row"))
    return domain;
  const Json &row = json["row"];
  domain.row = row.at("elements").get<int64_t>();
  domain.sum_least = row.value("least", -kInfinity);
  domain.sum_most = row.value("most", kInfinity);
  return domain;
}

InputInfo parse_input(const std::string &name, const Json &json) {
  InputInfo input{name, json.at("shape").get<std::vector<int64_t>>(), parse_dtype(json.at("dtype")), {}, {}, {}, {}, false};
  int64_t elements = 1;
  for (const int64_t dim : input.shape)
    if (dim < 1 || __builtin_mul_overflow(elements, dim, &elements) || elements > INT64_MAX / 8)
      throw Error(fmt::format("signature: input '{}' has an impossible shape", name));
  if (json.contains("classes") && !json["classes"].is_null())
    input.classes = json["classes"].get<int64_t>();
  if (json.contains("ignored"))
    input.ignored = json["ignored"].get<int64_t>();
  if (json.contains("domain"))
    input.domain = parse_domain(json["domain"]);
  if (input.domain && input.domain->row > 0 && elements % input.domain->row != 0)
    throw Error(fmt::format("signature: input '{}' is no whole number of rows of {}", name, input.domain->row));
  input.labels = json.value("labels", std::vector<std::string>());
  input.standardize = json.value("standardize", false);
  return input;
}

MetricInfo parse_metric(const Json &json) {
  MetricInfo metric;
  metric.name = json.at("name").get<std::string>();
  metric.terms = json.at("terms").get<std::vector<std::string>>();
  metric.per_example = json.value("per_example", 1.0);
  metric.average = json.value("average", "macro");
  metric.target = json.value("target", "");
  metric.higher_is_better = json.value("higher_is_better", false);
  const auto kind = json.at("kind").get<std::string>();
  metric.kind = find_metric_kind(kind);
  if (!metric.kind)
    throw Error(fmt::format("signature: metric '{}' is of kind '{}', which this runtime does not know", metric.name,
                            kind));
  metric.factors = json.value("factors", metric.factors);
  if (metric.kind->terms > 0 ? metric.terms.size() != metric.kind->terms : metric.terms.size() != 2 * metric.factors.size() + 1)
    throw Error(fmt::format("signature: metric '{}' has {} terms", metric.name, metric.terms.size()));
  if (!(metric.per_example >= 1))
    throw Error(fmt::format("signature: metric '{}' judges {} elements", metric.name, metric.per_example));
  return metric;
}

} // namespace

int64_t InputInfo::elements() const {
  int64_t product = 1;
  for (const int64_t dim : shape)
    product *= dim;
  return product;
}

bool needs_fit(const Signature &signature) {
  return std::any_of(signature.inputs.begin(), signature.inputs.end(), [](const InputInfo &i) { return i.standardize; });
}

int64_t dtype_bytes(int32_t dtype) { return kDtypes.at(static_cast<size_t>(dtype)).bytes; }
std::string_view dtype_name(int32_t dtype) { return kDtypes.at(static_cast<size_t>(dtype)).name; }

Signature parse_signature(std::string_view text) try {
  const Json json = Json::parse(text);
  if (json.at("gradc") != 1)
    throw Error("signature: expected version 1 (\"gradc\": 1)");
  Signature signature;
  signature.name = json.at("name").get<std::string>();
  for (const auto &[name, input] : json.at("inputs").items())
    signature.inputs.push_back(parse_input(name, input));
  for (const Json &output : json.value("outputs", Json::array()))
    signature.outputs.push_back({output.at("name").get<std::string>(), output.value("classes_of", ""), output.value("yes_no", false)});
  for (const InputInfo &input : signature.inputs)
    signature.features.push_back(input.name); // of a library that does not say which
  signature.features = json.value("features", signature.features);
  signature.data_folder = json.value("data_folder", "");
  for (const Json &metric : json.value("metrics", Json::array())) {
    signature.metrics.push_back(parse_metric(metric));
    if (metric.contains("standardized_targets"))
      signature.standardized_targets = metric["standardized_targets"].get<std::vector<std::string>>();
  }
  signature.optimizer = json.value("optimizer", "");
  signature.accumulate = json.value("accumulate", int64_t{1});
  if (signature.accumulate < 1)
    throw Error("signature: accumulate: expected at least 1");
  if (const auto least = json.find("least_batch"); least != json.end())
    signature.least_batch = {least->at("rows").get<int64_t>(), least->at("reason").get<std::string>(), least->value("location", "")};
  signature.frozen = json.value("frozen", signature.frozen);
  signature.scheduled = json.value("scheduled", signature.scheduled);
  signature.calibrate = json.value("calibrate", false);
  signature.plateaus = json.value("plateaus", signature.plateaus);
  signature.train = json.value("/model/train"_json_pointer, Json());
  return signature;
} catch (const Json::exception &problem) {
  throw Error(fmt::format("signature: {}", problem.what()));
}

} // namespace gradc::runtime
