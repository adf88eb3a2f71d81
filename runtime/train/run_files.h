// The checkpoints of a run: where it stands, and beside it the best state of a run that may stop early.
#pragma once

#include "runtime/train/early_stopping.h"
#include "runtime/train/instance.h"
#include "runtime/train/metrics.h"
#include "runtime/train/trainer.h"

#include <chrono>

namespace gradc::runtime {

class RunFiles {
public:
  RunFiles(Instance &instance, const TrainOptions &options) : instance_(instance), options_(options) {}

  /// Loads what `options.load` names. A file that holds the state of a run says where that stood; of any other only the parameters
  /// are taken, to start from, and there is no state. `fresh` is the state of a run that begins anew, which the file's must fit.
  /// Throws Error.
  std::optional<RunState> load(const RunState &fresh, const EarlyStopping &early_stopping);

  /// Remembers the instance as it is, in this state and with these metrics of the validation rows, as the best.
  void keep_best(const RunState &state, const std::vector<Metric> &validation);

  /// Gives the instance its best state again. Returns where that stood, and its metrics.
  std::pair<RunState, std::vector<Metric>> restore_best();

  /// Whether so many epochs, steps or seconds have passed that the run wants to be saved.
  bool is_due(const RunState &state) const;

  /// Saves what is not saved yet. Throws Error.
  void save(const RunState &state);

  /// After a save that failed: it is due again after the same time as if it had succeeded.
  void put_off() { last_save_ = Clock::now(); }

  /// Removes the file of the best state, once the run has ended and holds that state itself.
  void remove_best_file();

private:
  using Clock = std::chrono::steady_clock;

  void load_best(const RunState &fresh, const RunState &loaded);

  Instance &instance_;
  const TrainOptions &options_;
  Instance::Snapshot best_; // and what belongs to it; holds something where a state has a best
  RunState best_state_;
  std::vector<Metric> best_validation_;
  std::string best_file_;      // that of this run which holds a best state; empty: there is none
  bool best_is_saved_ = false; // that best state
  int64_t saved_step_ = -1;    // of the last checkpoint
  Clock::time_point last_save_ = Clock::now();
};

} // namespace gradc::runtime
