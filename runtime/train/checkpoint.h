// What a checkpoint knows beside its tensors: where the run stood, so that it can go on as if never interrupted.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace gradc::runtime {

/// The state of a run, in integers: orders and random numbers are functions of these.
struct RunState {
  int64_t step = 0;       // updates done
  int64_t epoch = 0;      // epochs completed
  int64_t batch = 0;      // batches done of the epoch under way
  int64_t batch_size = 0, seed = 0, train_rows = 0; // the run that this holds for
};

struct Checkpoint {
  bool has_state = false; // written by a training run
  RunState state;
  std::set<std::string> tensors; // names of all tensors in the file
};

/// Reads the header of a safetensors file (not its tensors). Files of others have no state. Throws Error when it is
/// no such file or the state is malformed.
Checkpoint read_checkpoint(const std::string &path);

/// The metadata to save: names and values in turn.
std::vector<std::string> checkpoint_metadata(const RunState &state);

} // namespace gradc::runtime
