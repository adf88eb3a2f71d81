// Runs a trained model over a data file.
#pragma once

#include "runtime/train/trainer.h"

namespace gradc::runtime {

struct PredictOptions {
  std::string load;        // the checkpoint with the parameters
  std::string data;        // path of the data file; empty: as in the model file
  std::string base_folder; // of relative data paths in the model file
  std::string output;      // .npz, .npy (of models with one output), else CSV with a header; "-": standard output
  bool classes = false;    // also classes: in CSV by their labels where they have some, in .npz by their numbers
  int64_t batch_size = 32;
  int32_t threads = 1;
};

/// All rows in file order, of the inputs that the outputs depend on: labels, say, are not looked at.
Dataset load_prediction_data(const Signature &signature, const PredictOptions &options);

/// What predict() will run for so many rows.
std::vector<EntryKey> needed_predict_entries(int64_t rows, int64_t batch_size);

/// The outputs of one example: name, dtype, dims without the batch, and the values of all rows, [rows, dims].
struct Prediction {
  std::string name;
  int32_t dtype = 0;
  std::vector<int64_t> dims;
  std::string values;
};

/// The classes of an output: those of the largest logits along its last axis, or of yes/no logits the answer of each.
struct PredictedClasses {
  Prediction numbers; // "scores.class", i32
  std::vector<std::string> labels; // of the classes; empty where they have none
};

/// Of every output that has classes. Throws Error when none has.
std::vector<PredictedClasses> predicted_classes(const Signature &signature, const std::vector<Prediction> &predictions);

/// Loads the parameters and predicts every row. Throws Error.
std::vector<Prediction> predict(const gradc_model &model, const Dataset &data, const PredictOptions &options);

/// The same for some rows, with parameters that have been loaded.
std::vector<Prediction> predict_rows(Instance &instance, Batches &batches, const Part &part);

/// Writes predictions to a file, atomically, or as CSV to standard output for "-". Classes are the last columns or arrays.
/// Throws Error.
void write_predictions(const std::vector<Prediction> &predictions, const std::vector<PredictedClasses> &classes,
                       int64_t rows, const std::string &path);

} // namespace gradc::runtime
