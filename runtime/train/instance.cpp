// Memory and calls of one copy of a model; see instance.h.
#include "runtime/train/instance.h"

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

int32_t Instance::run(const gradc_entry &entry, const void *const *inputs, const Outputs &outputs,
                      const Position &position) {
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
  gradc_problem problem{};
  call.problem = &problem;
  const int32_t status = entry.run(&entry, &call);
  if (gradc_succeeded(status))
    return status;
  const std::string place = status == GRADC_BAD_LABEL ? fmt::format(" (input '{}', element {} of the batch)",
                                                                    gradc_input_at(&model_, problem.input)->name, problem.element)
                                                      : "";
  throw Error(fmt::format("entry '{}' of model '{}' failed: {}{}", entry.name, model_.name, model_.status_message(status),
                          place));
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

void Instance::save(const std::string &path, const std::vector<std::string> &metadata) const {
  std::vector<const char *> pairs;
  for (const std::string &text : metadata)
    pairs.push_back(text.c_str());
  pairs.push_back(nullptr);
  const std::vector<void *> saved = arenas(GRADC_LIFE_RUN);
  errno = 0;
  const int32_t status = model_.save(&model_, saved.data(), model_.arena_count, path.c_str(), pairs.data());
  if (status != GRADC_OK)
    throw Error(fmt::format("cannot save '{}': {}", path, errno ? std::strerror(errno) : model_.status_message(status)));
}

void Instance::load(const std::string &path, bool whole_run) {
  const std::vector<void *> loaded = arenas(whole_run ? GRADC_LIFE_RUN : GRADC_LIFE_MODEL);
  char message[512] = "";
  const int32_t status = model_.load(&model_, loaded.data(), model_.arena_count, path.c_str(), message, sizeof message);
  if (status != GRADC_OK)
    throw Error(fmt::format("cannot load '{}': {}", path, message[0] ? message : model_.status_message(status)));
}

} // namespace gradc::runtime
