// Which values of the data files feed an input: the per-input objects of "data".
#pragma once

#include "runtime/train/data/columns.h"
#include "runtime/train/data/npz.h"

#include <cmath>
#include <cstring>
#include <memory>

namespace gradc::runtime {

/// The file of "data": columns of numbers and texts, or arrays with names. At most one of the two is there.
struct DataFile {
  std::string path;
  std::unique_ptr<CsvReader> csv;
  std::unique_ptr<NpzArchive> arrays;
};

struct Binding {
  const InputInfo *input = nullptr;
  std::string path;             // a .npy or .npz file of its own; empty: that of "data"
  std::string array;            // its name in a .npz file
  std::vector<int64_t> columns; // of the CSV file, one per element
};

/// Reads the object of `input` in "data". Throws Error naming the input.
Binding parse_binding(const InputInfo &input, const nlohmann::json &entry, const DataFile &file);

/// The index of the label in `cell` among those of the input. Throws Error with the cell's place.
double label_index(const Binding &binding, const CsvReader &csv, const CsvCell &cell);

/// "a number from 0 to 1"
std::string interval(double least, double most);

/// Why `value` cannot be an element of `input`; empty if it can.
std::string reason_against(const InputInfo &input, double value);

/// Appends `value`, for which reason_against is empty, in the dtype of `input`.
void append_value(const InputInfo &input, double value, std::vector<char> &bytes);

} // namespace gradc::runtime
