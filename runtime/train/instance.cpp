// Memory and calls of one copy of a model; see instance.h.
#include "runtime/train/instance.h"

#include "runtime/core/core.h"
#include "runtime/train/error.h"
#include "runtime/train/signature.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gradc::runtime {
namespace {

const gradc_model &checked(const gradc_model &model) {
  if (model.abi_version != GRADC_ABI_VERSION)
    throw Error(fmt::format("the model speaks version {} of the ABI, this runtime version {}", model.abi_version,
                            GRADC_ABI_VERSION));
  if (!gradc_is_compatible(&model))
    throw Error("the model's table lacks fields that this runtime needs");
  if (model.alignment < 1 || (model.alignment & (model.alignment - 1)) != 0)
    throw Error(fmt::format("the model asks for an alignment of {}, expected a power of two", model.alignment));
  return model;
}

} // namespace

std::string_view entry_name(int32_t kind) {
  switch (kind) {
  case GRADC_INIT: return "init";
  case GRADC_TRAIN_STEP: return "train_step";
  case GRADC_GRAD_STEP: return "grad_step";
  case GRADC_APPLY: return "apply";
  case GRADC_EVALUATE: return "evaluate";
  case GRADC_PREDICT: return "predict";
  case GRADC_SCHEDULE: return "schedule";
  case GRADC_FIT: return "fit";
  case GRADC_CALIBRATE: return "calibrate";
  default: return "other";
  }
}

int64_t value_bytes(const gradc_value &value) {
  int64_t bytes = dtype_bytes(value.dtype);
  for (int32_t i = 0; i < value.rank; ++i)
    bytes *= value.dims[i];
  return bytes;
}

Outputs::Outputs(const gradc_model &model, const gradc_entry &entry) {
  for (int32_t i = 0; i < entry.output_count; ++i) {
    values_.push_back(gradc_output_at(&model, &entry, i));
    const auto bytes = static_cast<size_t>(value_bytes(*values_.back()));
    memory_.emplace_back(bytes / sizeof(double) + 1);
    pointers_.push_back(memory_.back().data());
  }
}

std::vector<double> Outputs::numbers(int32_t output) const {
  const int32_t dtype = value(output).dtype;
  if (dtype != GRADC_F64 && dtype != GRADC_F32)
    throw Error(fmt::format("output '{}' is not a float", value(output).name));
  const auto count = static_cast<size_t>(value_bytes(value(output)) / dtype_bytes(dtype));
  const std::vector<double> &memory = memory_.at(static_cast<size_t>(output));
  if (dtype == GRADC_F64)
    return {memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(count)};
  std::vector<float> floats(count);
  std::memcpy(floats.data(), data(output), count * sizeof(float));
  return {floats.begin(), floats.end()};
}

Instance::Instance(const gradc_model &model, int32_t threads)
    : model_(checked(model)), team_(threads > 1 ? model.team_create(threads) : nullptr, EndTeam{&model}) {
  for (int32_t i = 0; i < model.arena_count; ++i) {
    const gradc_arena &arena = *gradc_arena_at(&model, i);
    const int64_t bytes = gradc_arena_bytes(&arena, model.team_threads(team_.get()));
    memory_.emplace_back(model.memory_create(bytes), Free{&model, bytes});
    if (!memory_.back())
      throw Error(fmt::format("out of memory: model '{}' needs {:.1f} MiB for its {}", model.name,
                              static_cast<double>(bytes) / (1 << 20), arena.name));
    arenas_.push_back(memory_.back().get());
  }
  for (int32_t i = 0; i < model.hyper_count; ++i)
    hypers_.push_back(gradc_hyper_at(&model, i)->default_value);
}

const gradc_entry &Instance::require(int32_t kind, int64_t batch) const {
  if (const gradc_entry *found = gradc_find_entry(&model_, kind, 0, batch))
    return *found;
  if (batch == 0)
    throw Error(fmt::format("model '{}' has no entry '{}'", model_.name, entry_name(kind)));
  std::vector<int64_t> sizes = batches(kind);
  const std::string found = fmt::format("{}", fmt::join(sizes, ", "));
  sizes.push_back(batch);
  std::sort(sizes.begin(), sizes.end());
  throw Error(fmt::format("model '{}' is not compiled to {} batches of {} (it is for: {}); compile it with "
                          "--batch-size {}",
                          model_.name, entry_name(kind), batch, found, fmt::join(sizes, ",")));
}

std::vector<int64_t> Instance::batches(int32_t kind) const {
  std::vector<int64_t> sizes;
  for (int32_t i = 0; i < model_.entry_count; ++i)
    if (const gradc_entry &entry = *gradc_entry_at(&model_, i); entry.kind == kind)
      sizes.push_back(entry.batch);
  std::sort(sizes.rbegin(), sizes.rend());
  return sizes;
}

double *Instance::hyper(std::string_view name) {
  for (int32_t i = 0; i < model_.hyper_count; ++i)
    if (name == gradc_hyper_at(&model_, i)->name)
      return &hypers_[static_cast<size_t>(i)];
  return nullptr;
}

gradc_call Instance::call(const void *const *inputs, const Outputs &outputs, const Position &position) const {
  gradc_call call{};
  call.struct_size = sizeof call;
  call.arenas = arenas_.data();
  call.arena_count = model_.arena_count;
  call.inputs = inputs;
  call.outputs = outputs.pointers();
  call.hypers = hypers_.empty() ? nullptr : hypers_.data();
  call.seed = position.seed;
  call.step = position.step;
  call.total_steps = position.total_steps;
  call.team = team_.get();
  return call;
}

int32_t Instance::run(const gradc_entry &entry, const void *const *inputs, const Outputs &outputs,
                      const Position &position) {
  gradc_call call = this->call(inputs, outputs, position);
  gradc_problem problem{};
  call.problem = &problem;
  const int32_t status = entry.run(&entry, &call);
  if (gradc_succeeded(status))
    return status;
  std::string place;
  if (status == GRADC_BAD_LABEL)
    place = fmt::format(" (input '{}', element {} of the batch)", gradc_input_at(&model_, problem.input)->name, problem.element);
  if (status == GRADC_BAD_HYPER)
    place = fmt::format(" ('{}' is {})", gradc_hyper_at(&model_, problem.input)->name,
                        hypers_.at(static_cast<size_t>(problem.input)));
  throw Error(fmt::format("entry '{}' of model '{}' failed: {}{}", entry.name, model_.name, model_.status_message(status),
                          place));
}

std::optional<UnfitValue> Instance::first_unfit() const {
  for (int32_t i = 0; i < model_.tensor_count; ++i) {
    const gradc_tensor &tensor = *gradc_tensor_at(&model_, i);
    const auto arena = static_cast<size_t>(tensor.arena);
    if (gradc_arena_at(&model_, tensor.arena)->lifetime > GRADC_LIFE_RUN)
      continue;
    const char *values = static_cast<const char *>(arenas_[arena]) + tensor.offset;
    if (const int64_t element = gradc_core_first_unfit(&tensor, values); element >= 0)
      return UnfitValue{tensor.name, element, gradc_core_float_at(values, tensor.dtype, element)};
  }
  return std::nullopt;
}

void Instance::init(int64_t seed) {
  const gradc_entry &entry = require(GRADC_INIT, 0);
  run(entry, nullptr, Outputs(model_, entry), {seed, 0, 0});
}

std::vector<void *> Instance::arenas(int32_t lifetime) const {
  std::vector<void *> chosen = arenas_;
  for (int32_t i = 0; i < model_.arena_count; ++i)
    if (gradc_arena_at(&model_, i)->lifetime > lifetime)
      chosen[static_cast<size_t>(i)] = nullptr;
  return chosen;
}

Instance::Snapshot Instance::snapshot() const {
  Snapshot copies;
  const std::vector<void *> kept = arenas(GRADC_LIFE_RUN);
  for (int32_t i = 0; i < model_.arena_count; ++i) {
    const auto bytes = kept[static_cast<size_t>(i)] ? static_cast<size_t>(gradc_arena_at(&model_, i)->bytes) : 0;
    std::vector<double> &copy = copies.emplace_back((bytes + sizeof(double) - 1) / sizeof(double));
    if (bytes > 0)
      std::memcpy(copy.data(), kept[static_cast<size_t>(i)], bytes);
  }
  return copies;
}

void Instance::restore(const Snapshot &snapshot) {
  for (size_t i = 0; i < snapshot.size(); ++i)
    if (!snapshot[i].empty())
      std::memcpy(arenas_[i], snapshot[i].data(), static_cast<size_t>(gradc_arena_at(&model_, static_cast<int32_t>(i))->bytes));
}

void Instance::save(const std::string &path, const std::vector<std::string> &metadata) const {
  save(arenas(GRADC_LIFE_RUN), path, metadata);
}

void Instance::save(const Snapshot &snapshot, const std::string &path, const std::vector<std::string> &metadata) const {
  std::vector<void *> copies = arenas(GRADC_LIFE_RUN);
  for (size_t i = 0; i < copies.size(); ++i)
    if (!snapshot[i].empty())
      copies[i] = const_cast<double *>(snapshot[i].data()); // saving reads alone
  save(copies, path, metadata);
}

void Instance::save(const std::vector<void *> &saved, const std::string &path, const std::vector<std::string> &metadata) const {
  std::vector<const char *> pairs;
  for (const std::string &text : metadata)
    pairs.push_back(text.c_str());
  pairs.push_back(nullptr);
  errno = 0;
  const int32_t status = model_.save(&model_, saved.data(), model_.arena_count, path.c_str(), pairs.data());
  if (status != GRADC_OK)
    throw Error(fmt::format("cannot save '{}': {}", path, errno ? std::strerror(errno) : model_.status_message(status)));
}

void Instance::load(const std::string &path, bool whole_run) { load(model_, path, whole_run); }

void Instance::load_tensors(const std::string &path, const std::vector<int32_t> &numbers) {
  const auto size = static_cast<size_t>(model_.tensor_size);
  std::vector<int64_t> records(numbers.size() * size / sizeof(int64_t) + 1); // int64_t for their alignment
  for (size_t i = 0; i < numbers.size(); ++i)
    std::memcpy(reinterpret_cast<char *>(records.data()) + i * size, gradc_tensor_at(&model_, numbers[i]), size);
  gradc_model fewer = model_; // loading looks at the tensors of the table alone
  fewer.tensors = reinterpret_cast<const gradc_tensor *>(records.data());
  fewer.tensor_count = static_cast<int32_t>(numbers.size());
  load(fewer, path, false);
}

void Instance::load(const gradc_model &table, const std::string &path, bool whole_run) {
  const std::vector<void *> loaded = arenas(whole_run ? GRADC_LIFE_RUN : GRADC_LIFE_MODEL);
  char message[512] = "";
  const int32_t status = model_.load(&table, loaded.data(), model_.arena_count, path.c_str(), message, sizeof message);
  if (status != GRADC_OK)
    throw Error(fmt::format("cannot load '{}': {}", path, message[0] ? message : model_.status_message(status)));
}

} // namespace gradc::runtime
