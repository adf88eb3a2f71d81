// Rates that fall when a metric makes no more progress. The rule is that of PyTorch's ReduceLROnPlateau with relative
// thresholds.
#pragma once

#include "runtime/train/checkpoint.h"
#include "runtime/train/metrics.h"
#include "runtime/train/signature.h"

namespace gradc::runtime {

class Plateaus {
public:
  /// Throws Error when the model has no metric of a name that is watched.
  explicit Plateaus(const Signature &signature);

  /// After an epoch: moves the plateaus of the state on. `validation` may be empty, then the loss is that of training.
  void take(RunState &state, const std::vector<Metric> &validation, double training_loss) const;

  /// Of a rate, relative to what its schedule says; 1 for a rate without a plateau.
  double factor(const RunState &state, const std::string &rate) const;

private:
  struct Rule {
    std::string metric;
    bool higher_is_better;
    double factor, threshold, least; // the smallest factor of all
    int64_t patience, cooldown;

    bool is_progress(double value, double best) const;
    void take(Plateau &, double value) const;
  };
  std::map<std::string, Rule> rules_; // by the name of the rate
};

} // namespace gradc::runtime
