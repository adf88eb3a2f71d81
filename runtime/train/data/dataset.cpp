// Loads and splits the data of a model; see dataset.h.
#include "runtime/train/data/dataset.h"

#include "runtime/gradc.h"
#include "runtime/train/data/binding.h"
#include "runtime/train/data/npy.h"
#include "runtime/train/data/spread.h"
#include "runtime/train/error.h"
#include "runtime/train/io/file.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <numeric>

namespace gradc::runtime {
namespace {

using Json = nlohmann::json;

/// An input while it is loaded.
struct Loading {
  Binding binding;
  std::vector<char> bytes;
  std::string name, cure_of_text; // for messages
  std::vector<Spread> spreads; // of each element as it stands in the file, where f32 may be too coarse to standardize it
  size_t element = 0;          // of the next value
  int64_t row_elements = 0;    // taken of the row of the domain
  double row_sum = 0;

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
    if (binding.input->domain && binding.input->domain->row > 0)
      add_to_row(value, place);
    if (spreads.empty())
      return;
    spreads[element].take(value);
    element = element + 1 == spreads.size() ? 0 : element + 1;
  }

private:
  /// Probabilities of one of several classes sum to 1, in each row of the domain.
  template <class Place> void add_to_row(double value, const Place &place) {
    const gradc_core_domain &domain = *binding.input->domain;
    row_sum += value;
    if (++row_elements < domain.row)
      return;
    if (!(row_sum >= domain.sum_least && row_sum <= domain.sum_most))
      throw Error(fmt::format("{}: input '{}': the {} probabilities that end here sum to {:.6g}; expected {}", place(),
                              binding.input->name, domain.row, row_sum, interval(domain.sum_least, domain.sum_most)));
    row_elements = 0;
    row_sum = 0;
  }

  /// Small numbers always fit a float; the rest takes the slow path with its reasons.
  bool needs_check(double x) const {
    const bool is_float = dtype_name(binding.input->dtype)[0] == 'f';
    return !is_float || binding.input->classes || binding.input->domain || !(std::abs(x) < 1e30);
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

/// The inputs that are read, each with its object in "data".
std::vector<ColumnUse> wanted_inputs(const Signature &signature, const Json &data, const DatasetOptions &options) {
  static const Json kArrayOfThatName = Json::object();
  const bool arrays = is_npz(options.data_path.empty() ? data.value("path", "") : options.data_path);
  std::vector<ColumnUse> wanted;
  for (const InputInfo &input : signature.inputs) {
    const auto &features = signature.features;
    if (options.features_only && std::find(features.begin(), features.end(), input.name) == features.end())
      continue;
    if (arrays && !data.contains(input.name)) {
      wanted.push_back({&input, &kArrayOfThatName});
      continue;
    }
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

/// The class of each row, as the split wants them; empty where it is not stratified.
std::vector<int64_t> classes_of(const std::vector<Loading> &inputs, const std::string &name) {
  std::vector<int64_t> classes;
  for (const Loading &input : inputs) {
    const InputInfo &info = *input.binding.input;
    if (name.empty() || info.name != name)
      continue;
    if (!info.classes || info.elements() != 1)
      throw Error(fmt::format("stratify: input '{}' is no single class label", name));
    const auto bytes = static_cast<size_t>(dtype_bytes(info.dtype));
    for (size_t at = 0; at < input.bytes.size(); at += bytes) {
      int64_t label = 0; // its low bytes, in this order, tell classes apart
      std::memcpy(&label, input.bytes.data() + at, bytes);
      classes.push_back(label);
    }
  }
  if (!name.empty() && classes.empty())
    throw Error(fmt::format("stratify: the model has no input '{}'", name));
  return classes;
}

/// The rows of one file, or of one for each input.
struct Rows {
  std::vector<Loading> inputs;
  int64_t count = 0;
};

Rows read_rows(const Signature &signature, const Json &data, const DatasetOptions &options, std::vector<std::string> &warnings) {
  const std::vector<ColumnUse> wanted = wanted_inputs(signature, data, options);
  const DataFile file = open_file(data, wanted, options, warnings);
  Rows rows;
  for (const ColumnUse &use : wanted)
    rows.inputs.emplace_back(parse_binding(*use.input, *use.entry, file));
  if (file.csv)
    read_csv(*file.csv, rows.inputs);
  for (Loading &input : rows.inputs)
    if (input.binding.columns.empty())
      read_array(input, array_of(input.binding, file, options.base_folder));
  rows.count = common_rows(rows.inputs);
  for (const Loading &input : rows.inputs)
    warn_of_narrow_spread(input, file.csv.get(), warnings);
  return rows;
}

/// The rows of a part in their order: where they are from.
struct PartRows {
  const Rows *from;
  std::vector<int64_t> numbers;
};

/// The rows of each part, dealt out of the training file or all of a file of its own.
class Parts {
public:
  Parts(const Signature &signature, const Json &data, const DatasetOptions &options, Dataset &dataset)
      : signature_(signature), data_(data), options_(options), dataset_(dataset),
        dealt_(read_rows(signature, data, options, dataset.warnings)),
        split_(split_rows(dealt_.count, options.split, classes_of(dealt_.inputs, options.stratify))) {
    dataset.train = add(split_.train, nullptr, own_validation_);
    dataset.validation = add(split_.validation, options.validation, own_validation_);
    dataset.test = add(split_.test, options.test, own_test_);
    dataset.dealt = {split_.train.size(), split_.validation.size(), split_.test.size()};
    for (size_t input = 0; input < dealt_.inputs.size(); ++input)
      dataset.inputs.push_back(gathered(input));
  }

private:
  Part add(const Part &share, const Json &own_file, Rows &own) {
    PartRows part{&dealt_, {split_.rows.begin() + share.begin, split_.rows.begin() + share.end}};
    if (own_file.is_object()) {
      Json data = data_;
      data.merge_patch(own_file); // its paths in the place of those of the training data
      DatasetOptions options = options_;
      options.data_path.clear();
      std::vector<std::string> warnings; // they are about what is trained on
      own = read_own_rows(data, options, warnings);
      part = {&own, std::vector<int64_t>(static_cast<size_t>(own.count))};
      std::iota(part.numbers.begin(), part.numbers.end(), int64_t{0});
    }
    const int64_t begin = dataset_.rows();
    dataset_.original_rows.insert(dataset_.original_rows.end(), part.numbers.begin(), part.numbers.end());
    parts_.push_back(std::move(part));
    return {begin, dataset_.rows()};
  }

  /// Here --data, which UnreadableData has people think of, would not help.
  Rows read_own_rows(const Json &data, const DatasetOptions &options, std::vector<std::string> &warnings) const try {
    return read_rows(signature_, data, options, warnings);
  } catch (const UnreadableData &problem) {
    throw Error(problem.what());
  }

  /// The values of one input, part after part.
  InputData gathered(size_t input) {
    const InputInfo &info = *dealt_.inputs[input].binding.input;
    InputData out{info.name, info.elements() * dtype_bytes(info.dtype), {}};
    if (dataset_.train.size() == dealt_.count && dataset_.rows() == dealt_.count) {
      out.bytes = std::move(dealt_.inputs[input].bytes);
      return out;
    }
    out.bytes.reserve(static_cast<size_t>(dataset_.rows() * out.row_bytes));
    for (const PartRows &part : parts_)
      for (const int64_t row : part.numbers) {
        const auto from = part.from->inputs[input].bytes.begin() + row * out.row_bytes;
        out.bytes.insert(out.bytes.end(), from, from + out.row_bytes);
      }
    for (Rows *rows : {&dealt_, &own_validation_, &own_test_})
      if (input < rows->inputs.size())
        rows->inputs[input].bytes = {};
    return out;
  }

  const Signature &signature_;
  const Json &data_;
  const DatasetOptions &options_;
  Dataset &dataset_;
  Rows dealt_, own_validation_, own_test_;
  Split split_;
  std::vector<PartRows> parts_;
};

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
  Parts(signature, data, options, dataset);
  return dataset;
} catch (const Json::exception &problem) {
  throw Error(fmt::format("data: {}", problem.what()));
}

} // namespace gradc::runtime
