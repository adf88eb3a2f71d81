// What happens during a run, as plain values, for everybody who watches it: log, progress, plot.
#pragma once

#include "runtime/train/data/dataset.h"
#include "runtime/train/metrics.h"

namespace gradc::runtime {

struct StartEvent {
  std::string model;
  DatasetSizes rows;
  std::vector<int64_t> test_rows; // their numbers in the data file, 0-based
  std::vector<std::string> standardized_targets; // of the losses, whose values have no unit for that
  int64_t epochs = 0, steps_per_epoch = 0, batch_size = 0, seed = 0;
  int64_t step = 0, epoch = 0, batch = 0; // done before this run (batches of the epoch under way); 0 unless resumed
  int64_t parameters = 0;      // numbers that are trained
  std::vector<std::string> taken, left; // of a file that the run begins with in part: tensors, and why others stay
};

/// A layer of a run that is watched: Euclidean norms of all its trained parameters, 0 where it has none.
struct LayerWatch {
  std::string layer;
  double parameters = 0; // after the update
  double gradients = 0, updates = 0;
  std::optional<double> dead; // of a layer with a rectifier: the share of its units whose output was 0 for every example
};

struct StepEvent {
  int64_t step = 0, epoch = 0; // the first are 1
  double loss = 0;             // of the batch, before the update
  double learning_rate = 0;
  std::vector<LayerWatch> watch = {}; // empty: the run is not watched
};

struct EpochEvent {
  int64_t epoch = 0, epochs = 0; // the first is 1
  int64_t step = 0;              // updates done
  bool complete = true;          // false where the run stopped inside the epoch
  double loss = 0;               // mean over the rows trained on, each before its update
  double learning_rate = 0;      // of the last step
  double seconds = 0;
  std::vector<Metric> validation;
  std::vector<Metric> training; // of all rows to train, after the epoch; empty where nobody asked for them
  std::vector<LayerWatch> watch; // norms of gradients and updates are means over its steps; empty: the run is not watched
};

struct EndEvent {
  int64_t step = 0;
  double seconds = 0; // training and validation
  bool stopped = false; // before the planned end
  int64_t best_epoch = 0; // whose state the run ends with, of a run that stops early; 0: the last
  std::vector<Metric> test;
  std::string checkpoint; // path; empty if none was asked for
};

/// Something went wrong that does not end the run.
struct WarningEvent {
  int64_t step = 0;
  std::string message;
};

/// The run ends with an Error.
struct FailureEvent {
  int64_t step = 0;
  std::string message;
};

/// Is told of each event, in order, on the training thread. One that throws an Error is told of no more events; the run
/// goes on, and ends with that Error.
class Listener {
public:
  virtual ~Listener() = default;
  virtual void on(const StartEvent &) {}
  virtual void on(const StepEvent &) {}
  virtual void on(const EpochEvent &) {}
  virtual void on(const WarningEvent &) {}
  virtual void on(const EndEvent &) {}
  virtual void on(const FailureEvent &) {}
};

/// One JSON object, without a line break; "event" says which: start, step, epoch, warning, end or error. Numbers are written so
/// that they read back exactly; those that are not finite become null.
std::string to_json(const StartEvent &event);
std::string to_json(const StepEvent &event);
std::string to_json(const EpochEvent &event);
std::string to_json(const WarningEvent &event);
std::string to_json(const EndEvent &event);
std::string to_json(const FailureEvent &event);

} // namespace gradc::runtime
