// Runs `evaluate` over rows; see metrics.h.
#include "runtime/train/metrics.h"

#include "runtime/train/error.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gradc::runtime {

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
