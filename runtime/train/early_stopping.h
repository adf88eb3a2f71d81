// Ends a run whose validation no longer gets better, and says which of its states was the best.
#pragma once

#include "runtime/train/checkpoint.h"
#include "runtime/train/metrics.h"
#include "runtime/train/signature.h"

namespace gradc::runtime {

/// What "early_stopping" of the model file says. Its counters are in RunState::best, so that a run goes on with them.
class EarlyStopping {
public:
  /// Throws Error when the model has no metric of the name.
  explicit EarlyStopping(const Signature &signature);

  bool is_on() const { return patience_ > 0; }

  /// Whether the state after a whole epoch with these metrics of the validation rows is better, by more than min_delta, than the
  /// best before it. If so it is the new best.
  bool takes(RunState &state, const std::vector<Metric> &validation) const;

  /// Whether `patience` epochs have not been better than the best.
  bool is_over(const RunState &state) const;

  /// Forgets a best that was judged by another metric: its value cannot be compared.
  void adopt(RunState &state) const;

private:
  std::string metric_;
  int64_t patience_ = 0;
  double min_delta_ = 0;
  bool higher_is_better_ = false;
};

/// Where the best state is kept while the run has not ended: "w.best.safetensors" beside "w.safetensors".
std::string best_path(const std::string &checkpoint);

} // namespace gradc::runtime
