// Which columns of a CSV file feed an input, and whether the first row of the file names them.
#pragma once

#include "runtime/train/data/csv.h"
#include "runtime/train/signature.h"

namespace gradc::runtime {

/// The columns that `entry`, the object of `input` in "data", asks for: one for each element of the input. A column is a
/// position or a name. Throws Error when there is no such column, or two of that name.
std::vector<int64_t> columns_of(const InputInfo &input, const nlohmann::json &entry, const CsvReader &csv);

/// What an input reads of a file.
struct ColumnUse {
  const InputInfo *input;
  const nlohmann::json *entry; // its object in "data"
};

/// Has the reader take the first row as names, if it is a header. "header": true or false in `data` decides; else it is one when a
/// column is asked for by name, or when one of its cells that is to be a number, or one of the labels, is some other text.
/// Returns what a user should look at where that may be wrong; "" where it is plain.
std::string decide_header(CsvReader &csv, const nlohmann::json &data, const std::vector<ColumnUse> &uses);

/// "; did you mean 'width'?" or "".
std::string suggestion(const std::string &name, const std::vector<std::string> &names);
/// "'a', 'b', 'c' and 4 more", for messages.
std::string listed(const std::vector<std::string> &names);

} // namespace gradc::runtime
