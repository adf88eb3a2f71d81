// Runs `evaluate` over rows; see metrics.h.
#include "runtime/train/metrics.h"

#include "runtime/train/error.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <limits>

namespace gradc::runtime {

void add_batch(const Signature &signature, const std::string &output, const std::vector<double> &values, Terms &terms) {
  const bool rows = std::any_of(signature.metrics.begin(), signature.metrics.end(), [&](const MetricInfo &metric) {
    return metric.kind->rows && std::find(metric.terms.begin(), metric.terms.end(), output) != metric.terms.end();
  });
  std::vector<double> &all = terms[output];
  if (rows || all.empty())
    all.insert(all.end(), values.begin(), values.end());
  else
    std::transform(values.begin(), values.end(), all.begin(), all.begin(), std::plus<>());
}

/// The names of the classes of a table with so many entries.
static std::vector<std::string> class_names(const Signature &signature, const MetricInfo &metric, size_t entries) {
  const auto count = static_cast<size_t>(std::lround(std::sqrt(static_cast<double>(entries))));
  for (const InputInfo &input : signature.inputs)
    if (input.name == metric.target && input.labels.size() == count)
      return input.labels;
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i)
    names.push_back(std::to_string(i));
  return names;
}

Metric finish(const Signature &signature, const MetricInfo &metric, const Terms &terms, double examples) {
  std::vector<const std::vector<double> *> columns;
  for (const std::string &name : metric.terms) {
    const auto found = terms.find(name);
    if (found == terms.end() || found->second.empty())
      throw Error(fmt::format("metric '{}': 'evaluate' puts out no '{}'", metric.name, name));
    if (const auto bad = std::ranges::find_if(found->second, [](double x) { return !std::isfinite(x); }); bad != found->second.end())
      throw NotFinite(metric.name, *bad);
    columns.push_back(&found->second);
    if (columns.size() > 1 && columns[0]->size() != columns.back()->size())
      throw Error(fmt::format("metric '{}': 'evaluate' puts out terms of different sizes", metric.name));
  }
  if (metric.kind->finish)
    return {metric.name, metric.kind->finish(metric, columns, examples), {}};
  return {metric.name, std::numeric_limits<double>::quiet_NaN(), *columns[0], class_names(signature, metric, columns[0]->size())};
}

std::vector<int64_t> cover(int64_t rows, std::vector<int64_t> sizes, int32_t kind) {
  std::sort(sizes.rbegin(), sizes.rend());
  std::vector<int64_t> used;
  int64_t rest = rows;
  for (const int64_t size : sizes)
    for (; size > 0 && rest >= size; rest -= size)
      used.push_back(size);
  if (rest > 0)
    throw Error(fmt::format("{} rows cannot be covered by the batches that '{}' is compiled for ({}): {} are left; "
                            "compile it with --batch-size {}",
                            rows, entry_name(kind), fmt::join(sizes, ", "), rest, rest));
  return used;
}

std::vector<Metric> evaluate(Instance &instance, const Signature &signature, Batches &batches, const Part &part,
                             const Position &position) {
  std::vector<Metric> metrics;
  if (part.size() == 0 || signature.metrics.empty())
    return metrics;
  Terms terms;
  int64_t row = part.begin;
  for (const int64_t size : cover(part.size(), instance.batches(GRADC_EVALUATE), GRADC_EVALUATE)) {
    const gradc_entry &entry = instance.require(GRADC_EVALUATE, size);
    const Outputs outputs(instance.model(), entry);
    instance.run(entry, batches.rows(row), outputs, position);
    for (int32_t i = 0; i < outputs.count(); ++i)
      add_batch(signature, outputs.value(i).name, outputs.numbers(i), terms);
    row += size;
  }
  for (const MetricInfo &metric : signature.metrics)
    metrics.push_back(finish(signature, metric, terms, static_cast<double>(part.size())));
  return metrics;
}

} // namespace gradc::runtime
