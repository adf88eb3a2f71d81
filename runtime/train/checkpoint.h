// What a checkpoint knows beside its tensors: where the run stood, so that it can go on as if never interrupted. Nothing in a
// file is believed before it has been compared with the run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gradc::runtime {

/// The best epoch so far, of a run that stops early.
struct Best {
  std::string metric; // that it is judged by
  double value = 0;
  int64_t epoch = 0; // epochs completed then
};

/// Where a rate stands that falls when a metric makes no progress.
struct Plateau {
  double factor = 1;          // of what its schedule says
  std::optional<double> best; // value of the metric
  int64_t epochs = 0;         // without progress
  int64_t cooldown = 0;       // epochs to come that do not count
};

/// The state of a run: orders and random numbers are functions of these.
struct RunState {
  int64_t step = 0;        // updates done
  int64_t epoch = 0;       // epochs completed
  int64_t batch = 0;       // batches done of the epoch under way
  double loss_sum = 0;     // over the rows of these batches
  int64_t other_steps = 0; // by which `step` differs from `epoch` epochs and `batch` batches, as batches had another size before

  // The run that this holds for.
  int64_t batch_size = 0, seed = 0, split_seed = 0;
  int64_t train_rows = 0, validation_rows = 0, test_rows = 0; // dealt out of one file
  std::string optimizer; // as in the signature: its type and slots
  std::string stratify;  // the input whose classes the rows were dealt by; empty: none
  std::optional<Best> best;
  std::map<std::string, Plateau> plateaus; // by the names of rate and metric

  int64_t steps_per_epoch() const { return train_rows / batch_size + (train_rows % batch_size > 0); }
  int64_t rows() const { return train_rows + validation_rows + test_rows; }
};

struct Checkpoint {
  bool has_state = false; // written by a training run
  RunState state;
};

/// Reads the header of a safetensors file (not its tensors). Files of others have no state. Throws Error when it is
/// no such file or a number of the state is malformed or cannot be true beside the others.
Checkpoint read_checkpoint(const std::string &path);

/// The names of all tensors in a safetensors file, with type and shape: "F32[4,16]". Its metadata are not looked at.
std::map<std::string, std::string> read_tensor_list(const std::string &path);

/// The state with which a run goes on that would begin with `fresh`. Throws Error, naming what differs, when its numbers would
/// not mean the same there: for another optimizer, other data, or, inside an epoch, other batches.
RunState resumed_state(const Checkpoint &checkpoint, const RunState &fresh, const std::string &path);

/// The metadata to save: names and values in turn.
std::vector<std::string> checkpoint_metadata(const RunState &state);

} // namespace gradc::runtime
