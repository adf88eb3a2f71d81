// Judges a trained model: its metrics over a part of the data, and, row by row, its loss and its outputs.
#pragma once

#include "runtime/train/predict.h"

namespace gradc::runtime {

struct EvaluateOptions {
  std::string load;        // the checkpoint with the parameters
  std::string data;        // path of the data file; empty: as in the model file
  std::string base_folder; // of relative data paths in the model file
  std::string part;        // "train", "validation", "test", "all"; empty: all of a file given as `data`, else the first of test,
                           // validation and train that has rows
  std::string output;      // where every row's loss and outputs go, as CSV; empty: nowhere
  int64_t batch_size = 32;
  int32_t threads = 1;
};

/// The rows to be judged, dealt out as they were when the checkpoint was trained. Throws Error, also when that cannot be.
struct EvaluationData {
  Dataset data;
  std::string part_name;
  Part part;
};
EvaluationData load_evaluation_data(const Signature &signature, const EvaluateOptions &options);

/// What evaluate_model() will run.
std::vector<EntryKey> needed_evaluation_entries(const EvaluationData &data, const EvaluateOptions &options);

struct Evaluation {
  std::vector<Metric> metrics;
  std::vector<Prediction> rows; // the number of each row in its file, its loss, its outputs; empty unless options.output is set
};

/// Loads the parameters and judges. Throws Error, and NotFinite.
Evaluation evaluate_model(const gradc_model &model, const Signature &signature, const EvaluationData &data,
                          const EvaluateOptions &options);

} // namespace gradc::runtime
