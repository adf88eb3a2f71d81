#include "runtime/train/updates.h"

#include "runtime/train/error.h"

#include <algorithm>
#include <set>

namespace gradc::runtime {

/// The seed of part number `part` of an update: that of the run for the first, then others, so that dropout differs.
static int64_t seed_of_part(int64_t seed, int64_t part) {
  constexpr uint64_t kGolden = 0x9e3779b97f4a7c15; // 2^64 / the golden ratio: multiples of it are spread evenly
  return static_cast<int64_t>(static_cast<uint64_t>(seed) + kGolden * static_cast<uint64_t>(part));
}

std::vector<EntryKey> update_entries(const RunPlan &plan, int64_t train_rows) {
  std::set<EntryKey> entries;
  for (const int64_t rows : {train_rows >= plan.batch_size ? plan.batch_size : 0, plan.tail}) {
    if (rows == 0)
      continue;
    if (plan.part_rows == plan.batch_size) {
      entries.insert({GRADC_TRAIN_STEP, rows});
      continue;
    }
    entries.insert({GRADC_APPLY, 0});
    entries.insert({GRADC_GRAD_STEP, std::min(rows, plan.part_rows)});
    if (rows >= 2 * plan.part_rows)
      entries.insert({GRADC_ACCUMULATE_STEP, plan.part_rows});
    if (rows > plan.part_rows && rows % plan.part_rows > 0)
      entries.insert({GRADC_ACCUMULATE_STEP, rows % plan.part_rows});
  }
  return {entries.begin(), entries.end()};
}

Updates::Updates(Instance &instance, const RunPlan &plan, int64_t train_rows)
    : instance_(instance), part_rows_(plan.part_rows),
      gradient_weight_(plan.part_rows < plan.batch_size ? instance.hyper("gradient_weight") : nullptr) {
  for (const EntryKey &key : update_entries(plan, train_rows)) {
    const gradc_entry &entry = instance.require(key.kind, key.batch);
    functions_.emplace(key, Function{&entry, Outputs(instance.model(), entry)});
  }
}

Updates::Result Updates::run(const Rows &rows, int64_t count, const Position &position) {
  if (gradient_weight_)
    return run_in_parts(rows, count, position);
  const Function &step = functions_.at({GRADC_TRAIN_STEP, count});
  const int32_t status = instance_.run(*step.entry, rows(0, count), step.outputs, position);
  return {status, step.outputs.scalar(0)};
}

Updates::Result Updates::run_in_parts(const Rows &rows, int64_t count, const Position &position) {
  Result result;
  for (int64_t first = 0; first < count; first += part_rows_) {
    const int64_t size = std::min(part_rows_, count - first);
    const Function &gradients = functions_.at({first == 0 ? GRADC_GRAD_STEP : GRADC_ACCUMULATE_STEP, size});
    Position own = position;
    own.seed = seed_of_part(position.seed, first / part_rows_);
    *gradient_weight_ = static_cast<double>(size) / static_cast<double>(count);
    const int32_t status = instance_.run(*gradients.entry, rows(first, size), gradients.outputs, own);
    result.loss += *gradient_weight_ * gradients.outputs.scalar(0);
    result.status = std::max(result.status, status);
  }
  const Function &apply = functions_.at({GRADC_APPLY, 0});
  result.status = std::max(result.status, instance_.run(*apply.entry, nullptr, apply.outputs, position));
  return result;
}

} // namespace gradc::runtime
