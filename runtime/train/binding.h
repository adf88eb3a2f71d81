// Which values of the data files feed an input: the per-input objects of "data".
#pragma once

#include "runtime/train/csv.h"
#include "runtime/train/dataset.h"

#include <cmath>
#include <cstring>

namespace gradc::runtime {

struct Binding {
  const InputInfo *input = nullptr;
  std::string path;             // a .npy file; empty: columns of the CSV file
  std::vector<int64_t> columns; // of the CSV file, one per element
};

/// Reads the object of `input` in "data". `csv` is the open CSV file, or null. Throws Error naming the input.
Binding parse_binding(const InputInfo &input, const nlohmann::json &json, const CsvReader *csv);

/// Whether the columns that `json` asks for are in the file (or it names a file of its own).
bool is_available(const nlohmann::json &json, const CsvReader *csv);

/// The index of the label in `cell` among those of the input. Throws Error with the cell's place.
double label_index(const Binding &binding, const CsvReader &csv, const CsvCell &cell);

/// "a number from 0 to 1"
std::string interval(double least, double most);

/// Why `value` cannot be an element of `input`; empty if it can.
std::string reason_against(const InputInfo &input, double value);

/// Appends `value`, for which reason_against is empty, in the dtype of `input`.
void append_value(const InputInfo &input, double value, std::vector<char> &bytes);

} // namespace gradc::runtime
