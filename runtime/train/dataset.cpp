// Loads and splits the data of a model; see dataset.h.
#include "runtime/train/dataset.h"

#include "runtime/gradc.h"
#include "runtime/train/binding.h"
#include "runtime/train/error.h"
#include "runtime/train/file.h"
#include "runtime/train/npy.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <memory>

namespace gradc::runtime {
namespace {

using Json = nlohmann::json;

/// The spread of the values of one element, in f64, as they stand in the file (Welford 1962).
struct Spread {
  double count = 0, mean = 0, squares = 0;
  void take(double value) {
    const double distance = value - mean;
    mean += distance / ++count;
    squares += distance * (value - mean);
  }
  double deviation() const { return std::sqrt(squares / count); }
};

/// An input while it is loaded.
struct Loading {
  Binding binding;
  std::vector<char> bytes;
  std::string name, cure_of_text; // for messages
  std::vector<Spread> spreads; // of each element, where f32 may be too coarse to standardize it
  size_t element = 0;          // of the next value

  explicit Loading(Binding b) : binding(std::move(b)), name(fmt::format("input '{}'", binding.input->name)) {
    if (const char kind = dtype_name(binding.input->dtype)[0]; kind == 'i')
      cure_of_text = "; if these are names of classes, list them as \"labels\"";
    if (binding.input->standardize && binding.input->dtype == GRADC_F32)
      spreads.resize(static_cast<size_t>(binding.input->elements()));
  }

  /// Takes the next value; `place` says where it stands, for the message.
  template <class Place> void take(double value, const Place &place) {
    const std::string reason = needs_check(value) ? reason_against(*binding.input, value) : "";
    if (!reason.empty())
      throw Error(fmt::format("{}: {}: {}", place(), name, reason));
    append_value(*binding.input, value, bytes);
    if (spreads.empty())
      return;
    spreads[element].take(value);
    element = element + 1 == spreads.size() ? 0 : element + 1;
  }

private:
  /// Small numbers always fit a float; the rest takes the slow path with its reasons.
  bool needs_check(double x) const {
    const bool is_float = dtype_name(binding.input->dtype)[0] == 'f';
    return !is_float || binding.input->classes || !(std::abs(x) < 1e30);
  }
};

int64_t count_rows(const Loading &input) {
  const int64_t elements = std::max<int64_t>(input.binding.input->elements(), 1);
  return static_cast<int64_t>(input.bytes.size()) / dtype_bytes(input.binding.input->dtype) / elements;
}

/// f32 keeps about 7 digits. Where the first 4 are the same in all rows, few are left of what tells rows apart.
void warn_of_narrow_spread(const Loading &input, const CsvReader *csv, std::vector<std::string> &warnings) {
  constexpr double kNarrow = 1e-4;
  for (size_t e = 0; e < input.spreads.size(); ++e) {
    const Spread &spread = input.spreads[e];
    const double rounding = spread.count * std::numeric_limits<double>::epsilon() * std::abs(spread.mean);
    const double deviation = spread.deviation();
    if (deviation <= rounding || deviation >= kNarrow * std::abs(spread.mean))
      continue;
    const bool named = csv && e < input.binding.columns.size() && !csv->names().empty();
    const std::string which = named ? fmt::format("column '{}'", csv->names()[static_cast<size_t>(input.binding.columns[e])])
                                    : fmt::format("element {}", e);
    warnings.push_back(fmt::format("input '{}', {}: the values lie within {:.2g} of {:.6g}, of which f32 keeps few digits; give "
                                   "the input \"dtype\": \"f64\"",
                                   input.binding.input->name, which, deviation, spread.mean));
  }
}

/// The inputs that are read, each with its object in "data".
std::vector<ColumnUse> wanted_inputs(const Signature &signature, const Json &data, const DatasetOptions &options) {
  std::vector<ColumnUse> wanted;
  for (const InputInfo &input : signature.inputs) {
    const auto &features = signature.features;
    if (options.features_only && std::find(features.begin(), features.end(), input.name) == features.end())
      continue;
    if (!data.contains(input.name) || !data[input.name].is_object())
      throw Error(fmt::format("data: expected an object \"{0}\" that says where the values of input '{0}' are",
                              input.name));
    wanted.push_back({&input, &data[input.name]});
  }
  return wanted;
}

/// The file that the inputs without one of their own share. It is not read when there are none.
DataFile open_file(const Json &data, const std::vector<ColumnUse> &inputs, const DatasetOptions &options,
                   std::vector<std::string> &warnings) {
  const bool replaced = !options.data_path.empty();
  std::vector<ColumnUse> sharing;
  for (const ColumnUse &use : inputs)
    if (!use.entry->contains("path"))
      sharing.push_back(use);
  if (replaced && sharing.empty() && !inputs.empty())
    throw Error(fmt::format("'{}' would be read by no input: each names a file of its own; --set train.data.{}.path=FILE names another",
                            options.data_path, inputs[0].input->name));
  if (sharing.empty() || (!replaced && !data.contains("path")))
    return {};
  DataFile file;
  file.path = replaced ? options.data_path : join_path(options.base_folder, data["path"].get<std::string>());
  std::string contents;
  try {
    contents = read_file(file.path);
  } catch (const Error &problem) {
    throw UnreadableData(problem.what());
  }
  if (is_npz(file.path)) {
    file.arrays = std::make_unique<NpzArchive>(file.path, std::move(contents));
    return file;
  }
  const std::string delimiter = data.value("delimiter", ",");
  if (delimiter.size() != 1)
    throw Error(fmt::format("data: expected a delimiter of one character, found '{}'", delimiter));
  file.csv = std::make_unique<CsvReader>(file.path, std::move(contents), delimiter[0]);
  if (std::string doubt = decide_header(*file.csv, data, sharing); !doubt.empty())
    warnings.push_back(std::move(doubt));
  return file;
}

void read_csv(CsvReader &csv, std::vector<Loading> &inputs) {
  while (csv.next()) {
    const std::vector<CsvCell> &cells = csv.cells();
    for (Loading &input : inputs) {
      const Binding &binding = input.binding;
      for (const int64_t column : binding.columns) {
        const CsvCell &cell = cells[static_cast<size_t>(column)];
        const double value = binding.input->labels.empty() ? csv.number(cell, input.name, input.cure_of_text)
                                                           : label_index(binding, csv, cell);
        input.take(value, [&] { return csv.place(cell); });
      }
    }
  }
}

NpyArray array_of(const Binding &binding, const DataFile &file, const std::string &base_folder) {
  if (binding.path.empty())
    return file.arrays->array(binding.array);
  const std::string path = join_path(base_folder, binding.path);
  if (is_npz(path))
    return NpzArchive(path, read_file(path)).array(binding.array);
  return NpyArray(path, read_file(path));
}

void read_array(Loading &input, const NpyArray &array) {
  const int64_t elements = input.binding.input->elements();
  if (array.row_elements() != elements)
    throw Error(fmt::format("{}: {}: expected {} elements a row, found {}", array.name(), input.name, elements, array.row_elements()));
  for (int64_t i = 0; i < array.rows() * elements; ++i)
    input.take(array.value(i), [&] { return fmt::format("{}: row {}", array.name(), i / elements); });
}

/// The number of rows, which all inputs agree on.
int64_t common_rows(const std::vector<Loading> &inputs) {
  if (inputs.empty())
    throw Error("data: the model reads no input");
  const int64_t rows = count_rows(inputs[0]);
  for (const Loading &input : inputs)
    if (count_rows(input) != rows)
      throw Error(fmt::format("data: input '{}' has {} rows, but input '{}' has {}", inputs[0].binding.input->name,
                              rows, input.binding.input->name, count_rows(input)));
  if (rows == 0)
    throw Error("data: there are no rows");
  return rows;
}

int64_t share(int64_t rows, double split, const char *name) {
  if (!(split >= 0 && split < 1))
    throw Error(fmt::format("{}: expected a share from 0 to below 1, found {}", name, split));
  return split > 0 ? std::max<int64_t>(1, std::llround(static_cast<double>(rows) * split)) : 0;
}

/// Deals the rows out to the parts and fills original_rows.
void split_rows(Dataset &dataset, int64_t rows, const DatasetOptions &options) {
  const int64_t test = share(rows, options.test_split, "test_split");
  const int64_t validation = share(rows, options.validation_split, "validation_split");
  const int64_t train = rows - validation - test;
  if (train < 1)
    throw Error(fmt::format("data: of {} rows {} are for validation and {} for the test; none is left to train",
                            rows, validation, test));
  dataset.train = {0, train};
  dataset.validation = {train, train + validation};
  dataset.test = {train + validation, rows};
  const Permutation deal(rows, options.seed, Stream::split);
  const bool whole = train == rows;
  for (int64_t i = 0; i < rows; ++i)
    dataset.original_rows.push_back(whole ? i : deal(i));
  const auto begin = dataset.original_rows.begin();
  for (const Part &part : {dataset.train, dataset.validation, dataset.test})
    std::sort(begin + part.begin, begin + part.end);
}

/// The rows of `input` in the dataset's order.
InputData reorder(Loading &input, const Dataset &dataset) {
  const InputInfo &info = *input.binding.input;
  InputData out{info.name, info.elements() * dtype_bytes(info.dtype), {}};
  if (dataset.train.size() == dataset.rows()) {
    out.bytes = std::move(input.bytes);
    return out;
  }
  out.bytes.reserve(input.bytes.size());
  for (const int64_t row : dataset.original_rows) {
    const auto from = input.bytes.begin() + row * out.row_bytes;
    out.bytes.insert(out.bytes.end(), from, from + out.row_bytes);
  }
  input.bytes = {};
  return out;
}

/// Adds what stands under the key "path", however deep.
void add_paths(const Json &json, const std::string &base_folder, std::vector<std::string> &paths) {
  if (!json.is_object())
    return;
  for (const auto &[key, value] : json.items())
    if (key == "path" && value.is_string())
      paths.push_back(join_path(base_folder, value.get<std::string>()));
    else
      add_paths(value, base_folder, paths);
}

} // namespace

std::vector<std::string> data_files(const Signature &signature, const std::string &base_folder) {
  std::vector<std::string> paths;
  add_paths(signature.train, base_folder, paths);
  return paths;
}

const InputData *Dataset::find(const std::string &input) const {
  for (const InputData &data : inputs)
    if (data.name == input)
      return &data;
  return nullptr;
}

Dataset load_dataset(const Signature &signature, const DatasetOptions &options) try {
  if (!signature.train.is_object() || !signature.train.contains("data"))
    throw Error("the model file has no \"train\": {\"data\": ...}: it does not say where the examples are");
  const Json &data = signature.train["data"];
  Dataset dataset;
  const std::vector<ColumnUse> wanted = wanted_inputs(signature, data, options);
  const DataFile file = open_file(data, wanted, options, dataset.warnings);
  std::vector<Loading> inputs;
  for (const ColumnUse &use : wanted)
    inputs.emplace_back(parse_binding(*use.input, *use.entry, file));
  if (file.csv)
    read_csv(*file.csv, inputs);
  for (Loading &input : inputs)
    if (input.binding.columns.empty())
      read_array(input, array_of(input.binding, file, options.base_folder));
  split_rows(dataset, common_rows(inputs), options);
  for (Loading &input : inputs) {
    warn_of_narrow_spread(input, file.csv.get(), dataset.warnings);
    dataset.inputs.push_back(reorder(input, dataset));
  }
  return dataset;
} catch (const Json::exception &problem) {
  throw Error(fmt::format("data: {}", problem.what()));
}

} // namespace gradc::runtime
