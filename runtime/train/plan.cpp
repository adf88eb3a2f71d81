// What a run will do and needs, before anything is compiled; see trainer.h.
#include "runtime/train/error.h"
#include "runtime/train/trainer.h"
#include "runtime/train/updates.h"

#include <algorithm>
#include <fmt/format.h>

namespace gradc::runtime {
namespace {

/// "batch-size" for "batch_size".
std::string option_of(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

/// The option if given, else the model file's train.<name>; at least `least`.
int64_t choose(const std::optional<int64_t> &option, const Signature &signature, const char *name, int64_t least) {
  if (!option && (!signature.train.is_object() || !signature.train.contains(name) ||
                  !signature.train[name].is_number_integer()))
    throw Error(fmt::format("the model file gives no train.{}; give it there, or as --{}", name, option_of(name)));
  const int64_t value = option ? *option : signature.train[name].get<int64_t>();
  if (value < least)
    throw Error(fmt::format("{}: expected at least {}, found {}", name, least, value));
  return value;
}

int64_t choose_seed(const Signature &signature, const TrainOptions &options) {
  return choose(options.seed, signature, "seed", INT64_MIN);
}

double split(const Signature &signature, const char *name) {
  return signature.train.is_object() ? signature.train.value(name, 0.0) : 0;
}

nlohmann::json own_file(const Signature &signature, const char *part) {
  return signature.train.is_object() ? signature.train.value(part, nlohmann::json()) : nlohmann::json();
}

/// The same run with batches of so many rows. The update may not be countable.
RunPlan with_batches(RunPlan plan, const Signature &signature, const TrainOptions &options, int64_t train_rows, int64_t part_rows) {
  plan.part_rows = part_rows;
  if (__builtin_mul_overflow(plan.part_rows, signature.accumulate, &plan.batch_size))
    throw Error(fmt::format("batch_size: {} batches of {} rows are too many for one update", signature.accumulate, plan.part_rows));
  plan.tail = train_rows % plan.batch_size;
  plan.steps_per_epoch = train_rows / plan.batch_size + (plan.tail > 0);
  if (options.load.empty() && options.max_steps && *options.max_steps < plan.steps_per_epoch)
    plan.tail = 0;
  return plan;
}

/// The smallest batch of an epoch's updates.
int64_t smallest_batch(const RunPlan &plan, int64_t train_rows) {
  int64_t least = plan.part_rows;
  for (const EntryKey &key : update_entries(plan, train_rows))
    if (key.kind != GRADC_APPLY)
      least = std::min(least, key.batch);
  return least;
}

/// Refuses batches that a layer cannot be trained with, before anything is compiled.
void check_batches(const RunPlan &plan, const Signature &signature, const TrainOptions &options, int64_t train_rows) {
  const LeastBatch &least = signature.least_batch;
  const int64_t smallest = smallest_batch(plan, train_rows);
  if (smallest >= least.rows)
    return;
  const auto works = [&](int64_t part_rows) {
    return smallest_batch(with_batches(plan, signature, options, train_rows, part_rows), train_rows) >= least.rows;
  };
  std::string sizes; // the next smaller and the next larger
  const auto add = [&](int64_t size) { sizes += (sizes.empty() ? "" : ", ") + std::to_string(size); };
  for (int64_t size = std::min(plan.part_rows, train_rows) - 1; size >= least.rows && sizes.empty(); --size)
    if (works(size))
      add(size);
  for (int64_t size = plan.part_rows + 1; size <= train_rows; ++size)
    if (works(size)) {
      add(size);
      break;
    }
  throw BatchTooSmall(fmt::format("{}, got {}: {} rows to train in batches of {} make one of {}; {}", least.reason, smallest, train_rows,
                                  plan.part_rows, smallest,
                                  sizes.empty() ? "no batch size works for so few rows" : "batch sizes that work: " + sizes),
                      least.location);
}

/// The batches that cover `rows` rows: full ones and one for the rest.
void add_evaluation(std::vector<EntryKey> &entries, int64_t rows, int64_t batch_size) {
  if (rows >= batch_size)
    entries.push_back({GRADC_EVALUATE, batch_size});
  if (rows % batch_size > 0)
    entries.push_back({GRADC_EVALUATE, rows % batch_size});
}

} // namespace

int64_t split_seed(const Signature &signature, const TrainOptions &options) {
  const bool own = signature.train.is_object() && signature.train.contains("split_seed");
  return own ? choose({}, signature, "split_seed", INT64_MIN) : choose_seed(signature, options);
}

std::string stratified_by(const Signature &signature) {
  return signature.train.is_object() ? signature.train.value("stratify", "") : "";
}

RunPlan plan_run(const Signature &signature, const TrainOptions &options, int64_t train_rows) {
  RunPlan plan;
  plan.epochs = choose(options.epochs, signature, "epochs", 1);
  plan = with_batches(plan, signature, options, train_rows, choose(options.batch_size, signature, "batch_size", 1));
  plan.seed = choose_seed(signature, options);
  plan.shuffle = options.shuffle.value_or(!signature.train.is_object() || signature.train.value("shuffle", true));
  plan.training_metrics = signature.train.is_object() && signature.train.value("training_metrics", false);
  int64_t steps;
  if (__builtin_mul_overflow(plan.epochs, plan.steps_per_epoch, &steps))
    throw Error(fmt::format("epochs: {} epochs of {} steps are too many to count", plan.epochs,
                            plan.steps_per_epoch));
  const std::pair<const char *, const std::optional<int64_t> &> counts[] = {
      {"max_steps", options.max_steps}, {"save_every", options.save_every}, {"save_every_steps", options.save_every_steps}};
  for (const auto &[name, count] : counts)
    if (count && *count < 1)
      throw Error(fmt::format("{}: expected at least 1, found {}", name, *count));
  check_batches(plan, signature, options, train_rows);
  return plan;
}

std::vector<EntryKey> needed_entries(const Signature &signature, const TrainOptions &options,
                                     const DatasetSizes &sizes) {
  const RunPlan plan = plan_run(signature, options, sizes.train);
  std::vector<EntryKey> entries{{GRADC_INIT, 0}};
  if (!signature.scheduled.empty())
    entries.push_back({GRADC_SCHEDULE, 0});
  if (needs_fit(signature))
    entries.push_back({GRADC_FIT, 1});
  if (signature.calibrate)
    entries.push_back({GRADC_CALIBRATE, std::min(plan.part_rows, sizes.train)});
  for (const EntryKey &key : update_entries(plan, sizes.train))
    entries.push_back(key);
  if (!signature.metrics.empty()) {
    add_evaluation(entries, sizes.validation, plan.part_rows);
    add_evaluation(entries, sizes.test, plan.part_rows);
    if (plan.training_metrics)
      add_evaluation(entries, sizes.train, plan.part_rows);
  }
  std::sort(entries.begin(), entries.end());
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  return entries;
}

Dataset load_training_data(const Signature &signature, const TrainOptions &options) try {
  DatasetOptions dataset;
  dataset.base_folder = options.base_folder;
  dataset.data_path = options.data;
  dataset.split.seed = split_seed(signature, options);
  dataset.split.validation_split = split(signature, "validation_split");
  dataset.split.test_split = split(signature, "test_split");
  dataset.stratify = stratified_by(signature);
  dataset.validation = own_file(signature, "validation");
  dataset.test = own_file(signature, "test");
  return load_dataset(signature, dataset);
} catch (const nlohmann::json::exception &problem) {
  throw Error(fmt::format("signature: train: {}", problem.what()));
}

} // namespace gradc::runtime
