// The examples of a model: dense arrays of raw values in the dtypes of its inputs, checked and split. Scaling and
// standardization are part of the model.
//
// Where the values come from is the "data" object of the model file: columns of a CSV file, arrays of a .npz file, or a file for
// each input, .npy or .npz.
#pragma once

#include "runtime/train/data/permutation.h"
#include "runtime/train/data/split.h"
#include "runtime/train/error.h"
#include "runtime/train/signature.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gradc::runtime {

struct DatasetSizes {
  int64_t train = 0, validation = 0, test = 0;
};

struct DatasetOptions {
  std::string base_folder;              // of relative paths in the model file
  std::string data_path;                // instead of data.path, not relative to base_folder; empty: as in the file
  SplitOptions split;
  nlohmann::json validation, test;      // what the model file says of files of their own; null: a share of the rows
  std::string stratify;                 // the input of class labels of which every part has its share; empty: none
  bool features_only = false;           // read no input but those that the outputs depend on (prediction)
};

/// The values of one input, row-major, [rows, elements].
struct InputData {
  std::string name;
  int64_t row_bytes = 0;
  std::vector<char> bytes;
};

/// The file of "data" cannot be read: perhaps another was meant.
struct UnreadableData : Error {
  using Error::Error;
};

class Dataset {
public:
  /// The input of that name; null when the data has none.
  const InputData *find(const std::string &input) const;

  int64_t rows() const { return static_cast<int64_t>(original_rows.size()); }
  DatasetSizes dealt; // rows of each part that were dealt out of one file
  DatasetSizes sizes() const { return {train.size(), validation.size(), test.size()}; }

  std::vector<InputData> inputs;
  Part train, validation, test;       // adjacent, in this order; file order inside each
  std::vector<int64_t> original_rows; // of each row: its number in its file, 0-based
  std::vector<std::string> warnings;  // what is likely not meant, for people
};

/// Loads the data that `signature.train["data"]` describes. The split is a function of (seed, number of rows, classes). Throws
/// Error with the place of the first mistake: missing columns, values that are no numbers, out of the dtype's range or
/// (for classes) not in [0, classes), files whose numbers of rows differ, splits that leave no training row.
Dataset load_dataset(const Signature &signature, const DatasetOptions &options);

/// Every file that the "train" object of the model names, whether a run reads it or not.
std::vector<std::string> data_files(const Signature &signature, const std::string &base_folder);

} // namespace gradc::runtime
