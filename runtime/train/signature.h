// What the signature of a model (gradc_model.signature, JSON) tells the runtime: its inputs, metrics and
// training plan.
#pragma once

#include "runtime/core/core.h"
#include "runtime/train/metric_kinds.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradc::runtime {

struct InputInfo {
  std::string name;
  std::vector<int64_t> shape;     // of one example
  int32_t dtype = 0;              // GRADC_F32, ...
  std::optional<int64_t> classes; // values are whole numbers in [0, classes)
  std::optional<int64_t> ignored; // or this one, which counts nowhere
  std::optional<gradc_core_domain> domain; // where floats lie that are targets of a loss
  std::vector<std::string> labels; // texts of the classes, which stand in the data; empty: the data hold numbers
  bool standardize = false;        // the model wants statistics of its values before training
  int64_t elements() const;
};

struct OutputInfo {
  std::string name;
  std::string classes_of; // the input whose classes its last axis stands for; empty: none
  bool yes_no = false;    // each element answers for itself: class 1 where it is positive, else class 0
};

/// The fewest rows of a batch of training. `reason` says which layer wants so many and why; `location` is its place in the model
/// file, a JSON pointer.
struct LeastBatch {
  int64_t rows = 1;
  std::string reason, location;
};

struct Signature {
  std::string name;
  std::vector<InputInfo> inputs;
  std::vector<OutputInfo> outputs;
  std::vector<std::string> standardized_targets; // of the losses, which therefore have no unit
  std::vector<std::string> features; // the inputs that the outputs depend on
  std::string data_folder; // where relative data paths start, seen from the folder of the library; empty: there
  std::vector<MetricInfo> metrics;
  std::string optimizer;              // its type and slots: what the state in a checkpoint is
  int64_t accumulate = 1;             // batches whose gradients make one update
  LeastBatch least_batch;
  std::vector<std::string> frozen;    // parameters that training leaves as they are
  std::vector<std::string> scheduled; // hyperparameters whose value the entry "schedule" tells for each step
  bool calibrate = false;             // some initializer sees data: there is an entry `calibrate`
  nlohmann::json plateaus = nlohmann::json::object(); // of those that the training loop lowers: their schedule
  nlohmann::json train; // the "train" object of the model file; null when it has none
};

/// Whether some input is standardized: such a model has an entry `fit`.
bool needs_fit(const Signature &signature);

/// Throws Error when `json` is not a signature this runtime understands.
Signature parse_signature(std::string_view json);

/// Bytes of one element of a dtype of gradc.h, and its name ("f32").
int64_t dtype_bytes(int32_t dtype);
std::string_view dtype_name(int32_t dtype);

} // namespace gradc::runtime
