// Loads and splits the data of a model; see dataset.h.
#include "runtime/train/dataset.h"

#include "runtime/gradc.h"
#include "runtime/train/binding.h"
#include "runtime/train/error.h"
#include "runtime/train/file.h"
#include "runtime/train/npy.h"
#include "runtime/train/spread.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

namespace gradc::runtime {
namespace {

using Json = nlohmann::json;

/// An input while it is loaded.
struct Loading {
  Binding binding;
  std::vector<char> bytes;
  std::vector<Spread> spreads; // of each element as it stands in the file, where f32 may be too coarse to standardize it
  size_t element = 0;          // of the next value

  Loading(Binding b) : binding(std::move(b)) {
    if (binding.input->standardize && binding.input->dtype == GRADC_F32)
      spreads.resize(static_cast<size_t>(binding.input->elements()));
  }

  /// Takes the next value; `place` says where it stands, for the message.
  template <class Place> void take(double value, const Place &place) {
    const std::string reason = needs_check(value) ? reason_against(*binding.input, value) : "";
    if (!reason.empty())
      throw Error(fmt::format("{}: input '{}': {}", place(), binding.input->name, reason));
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
    const double deviation = spread.deviation();
    if (spread.is_constant() || deviation >= kNarrow * std::abs(spread.mean))
      continue;
    const bool named = csv && e < input.binding.columns.size() && !csv->names().empty();
    const std::string which = named ? fmt::format("column '{}'", csv->names()[static_cast<size_t>(input.binding.columns[e])])
                                    : fmt::format("element {}", e);
    warnings.push_back(fmt::format("input '{}', {}: the values lie within {:.2g} of {:.6g}, of which f32 keeps few digits; give "
                                   "the input \"dtype\": \"f64\"",
                                   input.binding.input->name, which, deviation, spread.mean));
  }
}

std::unique_ptr<CsvReader> open_csv(const Json &data, const DatasetOptions &options) {
  const bool replaced = !options.data_path.empty();
  if (!replaced && !data.contains("path"))
    return nullptr;
  const std::string path =
      replaced ? options.data_path : join_path(options.base_folder, data["path"].get<std::string>());
  CsvHeader header = CsvHeader::automatic;
  if (data.contains("header") && data["header"].is_boolean())
    header = data["header"].get<bool>() ? CsvHeader::present : CsvHeader::absent;
  const std::string delimiter = data.value("delimiter", ",");
  if (delimiter.size() != 1)
    throw Error(fmt::format("data: expected a delimiter of one character, found '{}'", delimiter));
  return std::make_unique<CsvReader>(path, read_file(path), delimiter[0], header);
}

void read_csv(CsvReader &csv, std::vector<Loading> &inputs) {
  while (csv.next()) {
    const std::vector<CsvCell> &cells = csv.cells();
    for (Loading &input : inputs) {
      const Binding &binding = input.binding;
      for (const int64_t column : binding.columns) {
        const CsvCell &cell = cells[static_cast<size_t>(column)];
        const double value = binding.input->labels.empty() ? csv.number(cell) : label_index(binding, csv, cell);
        input.take(value, [&] { return csv.place(cell); });
      }
    }
  }
}

void read_npy(Loading &input, const std::string &base_folder) {
  const std::string path = join_path(base_folder, input.binding.path);
  const NpyArray array(path, read_file(path));
  const int64_t elements = input.binding.input->elements();
  if (array.row_elements() != elements)
    throw Error(fmt::format("{}: input '{}': expected {} elements a row, found {}", path, input.binding.input->name,
                            elements, array.row_elements()));
  for (int64_t i = 0; i < array.rows() * elements; ++i)
    input.take(array.value(i), [&] { return fmt::format("{}: row {}", path, i / elements); });
}

std::vector<Loading> bind_inputs(const Signature &signature, const Json &data, const CsvReader *csv,
                                 const DatasetOptions &options) {
  std::vector<Loading> inputs;
  for (const InputInfo &input : signature.inputs) {
    if (!data.contains(input.name) || !data[input.name].is_object())
      throw Error(fmt::format("data: expected an object \"{0}\" that says where the values of input '{0}' are",
                              input.name));
    const Json &json = data[input.name];
    if (!options.inputs_may_be_absent || is_available(json, csv))
      inputs.emplace_back(parse_binding(input, json, csv));
  }
  return inputs;
}

/// The number of rows, which all inputs agree on.
int64_t common_rows(const std::vector<Loading> &inputs) {
  if (inputs.empty())
    throw Error("data: the file has none of the model's inputs");
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
  const std::unique_ptr<CsvReader> csv = open_csv(data, options);
  std::vector<Loading> inputs = bind_inputs(signature, data, csv.get(), options);
  if (csv)
    read_csv(*csv, inputs);
  for (Loading &input : inputs)
    if (!input.binding.path.empty())
      read_npy(input, options.base_folder);
  Dataset dataset;
  split_rows(dataset, common_rows(inputs), options);
  for (Loading &input : inputs) {
    warn_of_narrow_spread(input, csv.get(), dataset.warnings);
    dataset.inputs.push_back(reorder(input, dataset));
  }
  return dataset;
} catch (const Json::exception &problem) {
  throw Error(fmt::format("data: {}", problem.what()));
}

} // namespace gradc::runtime
