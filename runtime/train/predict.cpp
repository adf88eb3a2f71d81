// Prediction over files; see predict.h.
#include "runtime/train/predict.h"

#include "runtime/train/data/npy.h"
#include "runtime/train/data/npz.h"
#include "runtime/train/error.h"
#include "runtime/train/io/console.h"
#include "runtime/train/io/file.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gradc::runtime {
namespace {

int64_t elements(const Prediction &prediction) {
  int64_t product = 1;
  for (const int64_t dim : prediction.dims)
    product *= dim;
  return product;
}

template <class T> T read(const char *at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// Shortest text that reads back as the same number.
std::string number(const Prediction &prediction, int64_t index) {
  const char *at = prediction.values.data() + index * dtype_bytes(prediction.dtype);
  switch (prediction.dtype) {
  case GRADC_F32:
    return fmt::format("{}", read<float>(at));
  case GRADC_F64:
    return fmt::format("{}", read<double>(at));
  case GRADC_I32:
    return fmt::format("{}", read<int32_t>(at));
  case GRADC_I64:
    return fmt::format("{}", read<int64_t>(at));
  default:
    return fmt::format("{}", int{read<uint8_t>(at)});
  }
}

std::string quoted(const std::string &name) {
  if (name.find_first_of(",\"\n\r") == std::string::npos)
    return name;
  std::string out = "\"";
  for (const char c : name)
    out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

double value_at(const Prediction &prediction, int64_t index) {
  const char *at = prediction.values.data() + index * dtype_bytes(prediction.dtype);
  if (prediction.dtype == GRADC_I32)
    return read<int32_t>(at);
  return prediction.dtype == GRADC_F64 ? read<double>(at) : static_cast<double>(read<float>(at));
}

/// The labels of the classes of an output; an empty list where they have none, null where the output has no classes.
const std::vector<std::string> *labels_of(const Signature &signature, const OutputInfo &output) {
  for (const InputInfo &input : signature.inputs)
    if (input.name == output.classes_of)
      return &input.labels;
  return nullptr;
}

std::string class_text(const std::vector<std::string> &labels, int64_t index) {
  const auto at = static_cast<size_t>(index);
  return at < labels.size() ? labels[at] : fmt::format("{}", index);
}

int64_t rows_of(const Prediction &prediction) {
  return static_cast<int64_t>(prediction.values.size()) / dtype_bytes(prediction.dtype) / elements(prediction);
}

void append_class(Prediction &classes, int32_t index) {
  classes.values.append(reinterpret_cast<const char *>(&index), sizeof index);
}

/// The class of the largest logit along the last axis.
Prediction largest(const Prediction &logits) {
  Prediction classes{logits.name + ".class", GRADC_I32, {logits.dims.begin(), logits.dims.end() - 1}, ""};
  const int64_t count = logits.dims.back(), all = rows_of(logits) * elements(logits);
  for (int64_t first = 0; first < all; first += count) {
    int32_t best = 0;
    for (int32_t i = 1; i < count; ++i)
      if (value_at(logits, first + i) > value_at(logits, first + best))
        best = i;
    append_class(classes, best);
  }
  return classes;
}

/// The answer of each element, 1 or 0.
Prediction answers(const Prediction &logits) {
  Prediction classes{logits.name + ".class", GRADC_I32, logits.dims, ""};
  for (int64_t i = 0; i < rows_of(logits) * elements(logits); ++i)
    append_class(classes, value_at(logits, i) > 0 ? 1 : 0);
  return classes;
}

/// What a column is called: "y" of a single number, "y_0", "y_1", ... of several.
std::string column_name(const Prediction &prediction, bool single, int64_t element) {
  return quoted(single ? prediction.name : fmt::format("{}_{}", prediction.name, element));
}

std::string csv_header(const std::vector<Prediction> &predictions, const std::vector<PredictedClasses> &classes) {
  std::vector<std::string> names;
  for (const Prediction &prediction : predictions)
    for (int64_t i = 0; i < elements(prediction); ++i)
      names.push_back(column_name(prediction, prediction.dims.empty(), i));
  for (const auto &[numbers, labels] : classes)
    for (int64_t i = 0; i < elements(numbers); ++i)
      names.push_back(column_name(numbers, elements(numbers) == 1, i));
  return fmt::format("{}\n", fmt::join(names, ","));
}

std::string csv(const std::vector<Prediction> &predictions, const std::vector<PredictedClasses> &classes, int64_t rows) {
  std::string text = csv_header(predictions, classes);
  for (int64_t row = 0; row < rows; ++row) {
    const char *separator = "";
    for (const Prediction &prediction : predictions)
      for (int64_t i = 0; i < elements(prediction); ++i) {
        text += separator + number(prediction, row * elements(prediction) + i);
        separator = ",";
      }
    for (const auto &[numbers, labels] : classes)
      for (int64_t i = row * elements(numbers); i < (row + 1) * elements(numbers); ++i)
        text += "," + quoted(class_text(labels, static_cast<int64_t>(value_at(numbers, i))));
    text += '\n';
  }
  return text;
}

std::string npy_file_of(const Prediction &prediction, int64_t rows) {
  std::vector<int64_t> shape{rows};
  shape.insert(shape.end(), prediction.dims.begin(), prediction.dims.end());
  return npy_file(prediction.dtype, shape, prediction.values);
}

std::string npz_file_of(const std::vector<Prediction> &predictions, const std::vector<PredictedClasses> &classes,
                        int64_t rows) {
  std::vector<NpzMember> members;
  for (const Prediction &prediction : predictions)
    members.push_back({prediction.name, npy_file_of(prediction, rows)});
  for (const PredictedClasses &of_output : classes)
    members.push_back({of_output.numbers.name, npy_file_of(of_output.numbers, rows)});
  return npz_file(members);
}

std::vector<Prediction> empty_predictions(const Outputs &outputs, int64_t batch) {
  std::vector<Prediction> predictions;
  for (int32_t i = 0; i < outputs.count(); ++i) {
    const gradc_value &output = outputs.value(i);
    if (output.rank < 1 || output.dims[0] != batch)
      throw Error(fmt::format("output '{}' has no batch axis", output.name));
    predictions.push_back({output.name, output.dtype, {output.dims + 1, output.dims + output.rank}, ""});
  }
  return predictions;
}

} // namespace

Dataset load_prediction_data(const Signature &signature, const PredictOptions &options) {
  DatasetOptions dataset;
  dataset.base_folder = options.base_folder;
  dataset.data_path = options.data;
  dataset.features_only = true;
  return load_dataset(signature, dataset);
}

std::vector<EntryKey> needed_predict_entries(int64_t rows, int64_t batch_size) {
  std::vector<EntryKey> entries;
  if (rows % batch_size > 0)
    entries.push_back({GRADC_PREDICT, rows % batch_size});
  if (rows >= batch_size)
    entries.push_back({GRADC_PREDICT, batch_size});
  return entries;
}

std::vector<Prediction> predict(const gradc_model &model, const Dataset &data, const PredictOptions &options) {
  Instance instance(model, options.threads);
  instance.load(options.load, false);
  Batches batches(model, data);
  return predict_rows(instance, batches, {0, data.rows()});
}

std::vector<Prediction> predict_rows(Instance &instance, Batches &batches, const Part &part) {
  std::vector<Prediction> predictions;
  int64_t row = part.begin;
  for (const int64_t size : cover(part.size(), instance.batches(GRADC_PREDICT), GRADC_PREDICT)) {
    const gradc_entry &entry = instance.require(GRADC_PREDICT, size);
    const Outputs outputs(instance.model(), entry);
    if (row == part.begin)
      predictions = empty_predictions(outputs, size);
    instance.run(entry, batches.rows(row), outputs, {});
    for (int32_t i = 0; i < outputs.count(); ++i)
      predictions[static_cast<size_t>(i)].values.append(outputs.data(i),
                                                        static_cast<size_t>(value_bytes(outputs.value(i))));
    row += size;
  }
  return predictions;
}

std::vector<PredictedClasses> predicted_classes(const Signature &signature, const std::vector<Prediction> &predictions) {
  std::vector<PredictedClasses> columns;
  for (const Prediction &prediction : predictions) {
    const auto output = std::ranges::find(signature.outputs, prediction.name, &OutputInfo::name);
    const std::vector<std::string> *labels = output == signature.outputs.end() ? nullptr : labels_of(signature, *output);
    if (!labels)
      continue;
    columns.push_back({output->yes_no ? answers(prediction) : largest(prediction), *labels});
  }
  if (columns.empty())
    throw Error("no output of the model has classes: that takes a softmax_cross_entropy with integer labels, or a binary_cross_entropy");
  return columns;
}

void write_predictions(const std::vector<Prediction> &predictions, const std::vector<PredictedClasses> &classes,
                       int64_t rows, const std::string &path) {
  if (path == "-")
    return print(csv(predictions, classes, rows));
  if (is_npz(path))
    return write_file(path, npz_file_of(predictions, classes, rows));
  if (!path.ends_with(".npy"))
    return write_file(path, csv(predictions, classes, rows));
  if (!classes.empty() || predictions.size() != 1)
    throw Error(fmt::format("'{}': a .npy file holds one array, {}; write .npz or CSV", path,
                            predictions.size() == 1 ? "the classes would be another"
                                                    : fmt::format("the model has {} outputs", predictions.size())));
  write_file(path, npy_file_of(predictions[0], rows));
}

} // namespace gradc::runtime
