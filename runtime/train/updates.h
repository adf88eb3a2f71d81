// One update of the parameters after the other: from a batch at once, or from several that are computed one by one because all
// their rows together need too much memory.
#pragma once

#include "runtime/train/data/batches.h"
#include "runtime/train/instance.h"
#include "runtime/train/trainer.h"

#include <functional>
#include <map>

namespace gradc::runtime {

/// The entries that the updates of a run need, each once.
std::vector<EntryKey> update_entries(const RunPlan &plan, int64_t train_rows);

class Updates {
public:
  /// Throws Error where an entry is missing, saying what to compile.
  Updates(Instance &instance, const RunPlan &plan, int64_t train_rows);

  /// The rows [first, first + count) of those that the update is of, as gradc_call.inputs.
  using Rows = std::function<const void *const *(int64_t first, int64_t count)>;

  struct Result {
    int32_t status = GRADC_OK; // GRADC_OK or GRADC_NOT_FINITE
    double loss = 0;           // the mean over the rows, before the update
  };

  /// Updates the parameters by the mean gradient of `count` rows. Where a batch is computed in parts, each counts by its rows and
  /// draws random numbers of its own.
  Result run(const Rows &rows, int64_t count, const Position &position);

private:
  struct Function {
    const gradc_entry *entry;
    Outputs outputs;
  };
  Result run_in_parts(const Rows &rows, int64_t count, const Position &position);

  Instance &instance_;
  const int64_t part_rows_;
  double *gradient_weight_; // a hyperparameter; null where a batch is one part
  std::map<EntryKey, Function> functions_;
};

} // namespace gradc::runtime
