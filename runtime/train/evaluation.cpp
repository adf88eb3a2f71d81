// Judges a trained model; see evaluation.h.
#include "runtime/train/evaluation.h"

#include "runtime/train/error.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace gradc::runtime {
namespace {

Part all_rows(const Dataset &data) { return {0, data.rows()}; }

/// The part of that name; nullopt when there is none.
std::optional<Part> part_of(const Dataset &data, const std::string &name) {
  const std::pair<const char *, Part> parts[] = {
      {"train", data.train}, {"validation", data.validation}, {"test", data.test}, {"all", all_rows(data)}};
  for (const auto &[known, part] : parts)
    if (name == known)
      return part;
  return std::nullopt;
}

/// A file of its own: all its rows, in their order.
Dataset load_other_data(const Signature &signature, const EvaluateOptions &options) {
  DatasetOptions dataset;
  dataset.base_folder = options.base_folder;
  dataset.data_path = options.data;
  return load_dataset(signature, dataset);
}

/// The data that the model was trained on, dealt out as the run did it that wrote the checkpoint.
Dataset load_own_data(const Signature &signature, const EvaluateOptions &options) {
  TrainOptions as_trained;
  as_trained.base_folder = options.base_folder;
  const Checkpoint checkpoint = read_checkpoint(options.load);
  if (checkpoint.has_state)
    as_trained.seed = checkpoint.state.seed;
  Dataset data = load_training_data(signature, as_trained);
  if (!checkpoint.has_state || options.part == "all")
    return data;
  const RunState &state = checkpoint.state;
  if (state.split_seed != split_seed(signature, as_trained) || state.stratify != stratified_by(signature) ||
      state.train_rows != data.dealt.train || state.validation_rows != data.dealt.validation ||
      state.test_rows != data.dealt.test)
    throw Error(fmt::format("'{}' was trained on {} rows, validated on {} and tested on {} with split seed {}; the data and the model "
                            "file now give {}, {} and {} with split seed {}, so rows it was trained on could count as unseen; judge "
                            "all rows, or a file given by --data",
                            options.load, state.train_rows, state.validation_rows, state.test_rows, state.split_seed,
                            data.dealt.train, data.dealt.validation, data.dealt.test, split_seed(signature, as_trained)));
  return data;
}

template <class T> Prediction column(const char *name, int32_t dtype, const std::vector<T> &values) {
  Prediction prediction{name, dtype, {}, std::string(values.size() * sizeof(T), '\0')};
  std::memcpy(prediction.values.data(), values.data(), prediction.values.size());
  return prediction;
}

/// The number, the loss and the outputs of each row. A batch of one row has that row's loss.
std::vector<Prediction> judged_rows(Instance &instance, const Signature &signature, Batches &batches, const EvaluationData &judged) {
  std::vector<int64_t> numbers;
  std::vector<double> losses;
  for (int64_t row = judged.part.begin; row < judged.part.end; ++row) {
    numbers.push_back(judged.data.original_rows[static_cast<size_t>(row)]);
    losses.push_back(evaluate(instance, signature, batches, {row, row + 1}, {}).at(0).value);
  }
  std::vector<Prediction> rows = predict_rows(instance, batches, judged.part);
  rows.insert(rows.begin(), column("loss", GRADC_F64, losses));
  rows.insert(rows.begin(), column("row", GRADC_I64, numbers));
  return rows;
}

} // namespace

EvaluationData load_evaluation_data(const Signature &signature, const EvaluateOptions &options) {
  if (options.output.ends_with(".npy"))
    throw Error(fmt::format("'{}': a row has its number, its loss and its outputs, and a .npy file holds but one output; write CSV",
                            options.output));
  EvaluationData judged;
  judged.data = options.data.empty() ? load_own_data(signature, options) : load_other_data(signature, options);
  judged.part_name = options.part;
  if (options.part.empty()) {
    judged.part_name = !options.data.empty()                 ? "all"
                       : judged.data.test.size() > 0       ? "test"
                       : judged.data.validation.size() > 0 ? "validation"
                                                           : "train";
  } else if (!options.data.empty() && options.part != "all") {
    throw Error(fmt::format("'{}' is not divided into parts; all its rows are judged", options.data));
  }
  const std::optional<Part> part = part_of(judged.data, judged.part_name);
  if (!part)
    throw Error(fmt::format("there is no part '{}'; the parts are train, validation, test, and all", judged.part_name));
  judged.part = *part;
  if (part->size() == 0)
    throw Error(fmt::format("the model has no rows for '{0}': train.{0}_split is 0", judged.part_name));
  return judged;
}

std::vector<EntryKey> needed_evaluation_entries(const EvaluationData &judged, const EvaluateOptions &options) {
  const int64_t rows = judged.part.size();
  std::vector<EntryKey> entries;
  if (rows >= options.batch_size)
    entries.push_back({GRADC_EVALUATE, options.batch_size});
  if (rows % options.batch_size > 0)
    entries.push_back({GRADC_EVALUATE, rows % options.batch_size});
  if (options.output.empty())
    return entries;
  entries.push_back({GRADC_EVALUATE, 1});
  const std::vector<EntryKey> predictions = needed_predict_entries(rows, options.batch_size);
  entries.insert(entries.end(), predictions.begin(), predictions.end());
  std::sort(entries.begin(), entries.end());
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  return entries;
}

Evaluation evaluate_model(const gradc_model &model, const Signature &signature, const EvaluationData &judged,
                          const EvaluateOptions &options) {
  Instance instance(model, options.threads);
  instance.load(options.load, false);
  Batches batches(model, judged.data);
  Evaluation evaluation;
  evaluation.metrics = evaluate(instance, signature, batches, judged.part, {});
  if (!options.output.empty())
    evaluation.rows = judged_rows(instance, signature, batches, judged);
  return evaluation;
}

} // namespace gradc::runtime
