// Trains a compiled model: the epoch loop, validation, checkpoints, and everything that watches it.
//
// The usual order: parse_signature, load_training_data, needed_entries (so that only those are compiled), train.
// A run is a function of (model, data, seed, batch size, shuffle, learning rate, planned length): stopping it, saving,
// and going on from the checkpoint gives the same bits as not stopping.
#pragma once

#include "runtime/gradc.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/error.h"
#include "runtime/train/reports/events.h"
#include "runtime/train/reports/progress.h"

#include <atomic>

namespace gradc::runtime {

struct TrainOptions {
  // Instead of what the model file says.
  std::optional<int64_t> epochs, batch_size, seed;
  std::optional<bool> shuffle;
  std::optional<double> learning_rate; // the initial one; the schedule scales it
  std::string data;                    // path of the data file; empty: as in the model file

  std::optional<int64_t> max_steps; // stop when so many updates are done, those before a resume included
  int32_t threads = 1;
  std::string base_folder; // of relative data paths in the model file
  std::string load, save;  // checkpoints; empty: none
  std::string load_partial;           // a file whose parameters a new run begins with where they fit; empty: none
  std::vector<std::string> load_only; // patterns of the names of those parameters; empty: all
  std::string log, plot;   // run.jsonl, loss.svg; empty: none
  ProgressMode progress = ProgressMode::automatic;
  bool watch = false; // events tell of each layer what watch.h sees
  std::FILE *console = stderr;
  // When to save before the end: after so many epochs, after so many steps, or, if neither is given, when so much time
  // has passed since the last time.
  std::optional<int64_t> save_every, save_every_steps;
  double save_interval_seconds = 60;
  const std::atomic<bool> *stop = nullptr; // set by another thread or a signal: end after this step, as planned ends do
};

/// The plan of a run, from the model file and the options.
struct RunPlan {
  int64_t epochs = 0, seed = 0;
  int64_t batch_size = 0; // rows of an update
  int64_t part_rows = 0;  // rows that are computed at once; fewer than those of an update where gradients are accumulated
  bool shuffle = true;
  int64_t steps_per_epoch = 0;
  int64_t tail = 0; // rows of an epoch's last, smaller update; 0: none, or the run stops before
  bool training_metrics = false; // whether the rows to train are evaluated after every epoch
};

/// What the rows are dealt out by: the split's own seed, else that of the run; and the input of class labels, "" for none.
int64_t split_seed(const Signature &signature, const TrainOptions &options);
std::string stratified_by(const Signature &signature);

/// A layer cannot be trained with so few rows as one of the batches has.
struct BatchTooSmall : Error {
  BatchTooSmall(const std::string &message, std::string location) : Error(message), location(std::move(location)) {}
  std::string location; // of the layer in the model file, a JSON pointer
};

/// Throws Error when a number is missing or out of range, and BatchTooSmall, which names batch sizes that work.
RunPlan plan_run(const Signature &signature, const TrainOptions &options, int64_t train_rows);

/// An entry point in one specialization; batch 0 where it takes no examples.
struct EntryKey {
  int32_t kind = GRADC_OTHER;
  int64_t batch = 0;
  friend auto operator<=>(const EntryKey &, const EntryKey &) = default;
};

/// Everything that train() will run for data of these sizes, sorted, each once.
std::vector<EntryKey> needed_entries(const Signature &signature, const TrainOptions &options,
                                     const DatasetSizes &sizes);

/// The data split for this run.
Dataset load_training_data(const Signature &signature, const TrainOptions &options);

struct TrainResult {
  RunState state;
  double last_loss = 0;
  bool stopped = false; // by options.stop or max_steps, before the planned end
  double seconds = 0;
  std::vector<Metric> validation, test;
};

/// Trains from initial values, from the parameters in `options.load`, or, if that holds the optimizer state of a run,
/// on from where it was. Saves at the end, and now and then before. Throws Error: a specialization is missing, a loss is not
/// finite (the checkpoint is then left as last saved), a file cannot be used. A file that cannot be written before the end
/// is a warning: a checkpoint is tried again when the next is due, and without a log or plot the run goes on to its end,
/// is saved, and then is an Error.
TrainResult train(const gradc_model &model, const Signature &signature, const Dataset &data,
                  const TrainOptions &options);

} // namespace gradc::runtime
