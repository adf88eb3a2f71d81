#include "runtime/train/run_files.h"

#include "runtime/train/error.h"

#include <filesystem>
#include <fmt/format.h>

namespace gradc::runtime {

/// Whether this is the state after its best epoch.
static bool is_best(const RunState &state) { return state.batch == 0 && state.best->epoch == state.epoch; }

std::optional<RunState> RunFiles::load(const RunState &fresh, const EarlyStopping &early_stopping) {
  const Checkpoint checkpoint = read_checkpoint(options_.load);
  std::optional<RunState> state;
  if (checkpoint.has_state) {
    state = resumed_state(checkpoint, fresh, options_.load);
    early_stopping.adopt(*state);
  }
  const bool has_best = state && state->best;
  if (has_best && !is_best(*state))
    load_best(fresh, *state);
  instance_.load(options_.load, state.has_value());
  if (has_best && is_best(*state))
    keep_best(*state, {});
  return state;
}

/// The best state of a run that had not ended.
void RunFiles::load_best(const RunState &fresh, const RunState &loaded) {
  const std::string path = best_path(options_.load);
  const Checkpoint best = read_checkpoint(path);
  if (!best.has_state || best.state.epoch != loaded.best->epoch || best.state.batch != 0)
    throw Error(fmt::format("'{}' does not hold the state after epoch {}, the best of '{}'; to go on from what it holds, give --load "
                            "{}",
                            path, loaded.best->epoch, options_.load, path));
  instance_.load(path, true);
  keep_best(resumed_state(best, fresh, path), {});
  if (options_.load == options_.save)
    best_file_ = path;
  best_is_saved_ = !best_file_.empty();
}

void RunFiles::keep_best(const RunState &state, const std::vector<Metric> &validation) {
  best_ = instance_.snapshot();
  best_state_ = state;
  best_validation_ = validation;
  best_is_saved_ = false;
}

std::pair<RunState, std::vector<Metric>> RunFiles::restore_best() {
  instance_.restore(best_);
  return {best_state_, best_validation_};
}

bool RunFiles::is_due(const RunState &state) const {
  if (options_.save_every)
    return state.batch == 0 && state.epoch % *options_.save_every == 0;
  if (options_.save_every_steps)
    return state.step % *options_.save_every_steps == 0;
  return std::chrono::duration<double>(Clock::now() - last_save_).count() >= options_.save_interval_seconds;
}

void RunFiles::save(const RunState &state) {
  if (options_.save.empty() || saved_step_ == state.step)
    return;
  if (state.best && !is_best(state) && !best_is_saved_) { // before the checkpoint that refers to it
    best_file_ = best_path(options_.save);
    instance_.save(best_, best_file_, checkpoint_metadata(best_state_));
    best_is_saved_ = true;
  }
  instance_.save(options_.save, checkpoint_metadata(state));
  saved_step_ = state.step;
  last_save_ = Clock::now();
}

void RunFiles::remove_best_file() {
  if (!best_file_.empty())
    std::filesystem::remove(best_file_);
}

} // namespace gradc::runtime
