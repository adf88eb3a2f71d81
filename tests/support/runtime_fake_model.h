// A gradc_model written by hand for tests of the runtime: linear regression y = x w + b on three features, f32, mean
// squared error, gradient descent with momentum. Also a folder for the files of a test.
#pragma once

#include "runtime/core/core.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace gradc::runtime {

/// A new empty folder, removed at the end of its scope.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "gradc-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string &name) const { return path_ + "/" + name; }
  const std::string &path() const { return path_; }

  /// The number of files in it.
  int64_t files() const {
    return std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator());
  }

private:
  std::string path_;
};

inline void write_text(const std::string &path, const std::string &text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_text(const std::string &path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

class FakeModel {
public:
  static constexpr const char *kSignature = R"({
    "gradc": 1, "name": "line", "features": ["x"],
    "model": {"train": {"batch_size": 4, "epochs": 3, "seed": 7, "shuffle": true,
                        "validation_split": 0.2, "test_split": 0.1,
                        "data": {"path": "line.csv", "header": "auto", "delimiter": ",",
                                 "x": {"columns": [0, 2]}, "y": {"column": "target"}}}},
    "inputs": {"x": {"shape": [3], "dtype": "f32"}, "y": {"shape": [], "dtype": "f32"}},
    "scheduled": ["learning_rate"],
    "metrics": [{"name": "loss", "kind": "mean", "terms": ["loss.sum"]},
                {"name": "r2", "kind": "r2", "terms": ["r2.sse", "r2.count", "r2.mean", "r2.spread"]}]})";

  /// Compiled for these batch sizes.
  explicit FakeModel(const std::vector<int64_t> &batches) {
    add("init", GRADC_INIT, 0, init, {});
    add("schedule", GRADC_SCHEDULE, 0, schedule, {{"learning_rate", GRADC_F64, 0, {}}});
    for (const int64_t batch : batches) {
      add("train_step", GRADC_TRAIN_STEP, batch, train_step, {{"loss", GRADC_F64, 0, {}}});
      add("evaluate", GRADC_EVALUATE, batch, evaluate,
          {{"loss.sum", GRADC_F64, 0, {}},
           {"r2.sse", GRADC_F64, 0, {}},
           {"r2.count", GRADC_F64, 0, {}},
           {"r2.mean", GRADC_F64, 0, {}},
           {"r2.spread", GRADC_F64, 0, {}}});
      add("predict", GRADC_PREDICT, batch, predict, {{"line", GRADC_F32, 1, {batch}}});
    }
    for (size_t i = 0; i < entries_.size(); ++i)
      entries_[i].outputs = outputs_[i].data();
    table.abi_version = GRADC_ABI_VERSION;
    table.struct_size = sizeof table;
    table.name = "line";
    table.signature = kSignature;
    table.alignment = 64;
    table.arena_count = 2;
    table.arena_size = sizeof(gradc_arena);
    table.tensor_size = sizeof(gradc_tensor);
    table.value_size = sizeof(gradc_value);
    table.hyper_size = sizeof(gradc_hyper);
    table.entry_size = sizeof(gradc_entry);
    table.arenas = kArenas;
    table.tensor_count = 4;
    table.input_count = 2;
    table.hyper_count = 2;
    table.entry_count = static_cast<int32_t>(entries_.size());
    table.tensors = kTensors;
    table.inputs = kInputs;
    table.hypers = kHypers;
    table.entries = entries_.data();
    table.team_create = gradc_core_team_create;
    table.team_destroy = gradc_core_team_destroy;
    table.team_threads = gradc_core_team_threads;
    table.save = gradc_core_save;
    table.load = gradc_core_load;
    table.status_message = gradc_core_status_message;
    table.memory_create = gradc_core_memory_create;
    table.memory_destroy = gradc_core_memory_destroy;
    table.optimizer = "";
  }
  FakeModel(const FakeModel &) = delete;

  gradc_model table{};

private:
  static constexpr gradc_arena kArenas[] = {{"params", GRADC_PARAMS, GRADC_LIFE_MODEL, 64, 0},
                                            {"slots", GRADC_SLOTS, GRADC_LIFE_RUN, 64, 0}};
  static constexpr gradc_tensor kTensors[] = {{"b", GRADC_F32, GRADC_PARAMS, 0, 0, {}, 16, 4},
                                              {"w", GRADC_F32, GRADC_PARAMS, 1, 0, {3}, 0, 12},
                                              {"b.m", GRADC_F32, GRADC_SLOTS, 0, 0, {}, 16, 4},
                                              {"w.m", GRADC_F32, GRADC_SLOTS, 1, 0, {3}, 0, 12}};
  static constexpr gradc_value kInputs[] = {{"x", GRADC_F32, 1, {3}}, {"y", GRADC_F32, 0, {}}};
  static constexpr gradc_hyper kHypers[] = {{"momentum", 0.5}, {"learning_rate", 0.05}};

  using Run = int32_t (*)(const gradc_entry *, const gradc_call *);
  void add(const char *name, int32_t kind, int64_t batch, Run run, std::vector<gradc_value> outputs) {
    outputs_.push_back(std::move(outputs));
    entries_.push_back({name, kind, 0, batch, 0, 0, static_cast<int32_t>(outputs_.back().size()), 0, nullptr, run, nullptr});
  }

  static float *floats(const gradc_call *call, int arena) { return static_cast<float *>(call->arenas[arena]); }
  static const float *input(const gradc_call *call, int i) { return static_cast<const float *>(call->inputs[i]); }
  static double *output(const gradc_call *call, int i) { return static_cast<double *>(call->outputs[i]); }
  static constexpr int kBias = 4; // as a float of the arena

  static float line(const float *params, const float *x) {
    return params[0] * x[0] + params[1] * x[1] + params[2] * x[2] + params[kBias];
  }

  static int32_t init(const gradc_entry *, const gradc_call *call) {
    for (int i = 0; i < 5; ++i) {
      floats(call, GRADC_PARAMS)[i] = 0.01f * static_cast<float>((call->seed + i) % 7);
      floats(call, GRADC_SLOTS)[i] = 0;
    }
    return GRADC_OK;
  }

  /// The learning rate falls linearly to half of the initial one.
  static int32_t schedule(const gradc_entry *, const gradc_call *call) {
    *output(call, 0) =
        call->hypers[1] * (1 - 0.5 * static_cast<double>(call->step) / static_cast<double>(call->total_steps));
    return GRADC_OK;
  }

  static int32_t train_step(const gradc_entry *self, const gradc_call *call) {
    float *params = floats(call, GRADC_PARAMS), *slots = floats(call, GRADC_SLOTS), gradient[5] = {};
    const auto scale = 1.0f / static_cast<float>(self->batch);
    double loss = 0;
    for (int64_t i = 0; i < self->batch; ++i) {
      const float *x = input(call, 0) + 3 * i;
      const float error = line(params, x) - input(call, 1)[i];
      loss += error * error;
      for (int j = 0; j < 3; ++j)
        gradient[j] += 2 * scale * error * x[j];
      gradient[kBias] += 2 * scale * error;
    }
    for (int j = 0; j < 5; ++j) {
      slots[j] = static_cast<float>(call->hypers[0]) * slots[j] + gradient[j];
      params[j] -= static_cast<float>(call->hypers[1]) * slots[j];
    }
    *output(call, 0) = loss / static_cast<double>(self->batch);
    return std::isfinite(loss) ? GRADC_OK : GRADC_NOT_FINITE;
  }

  static int32_t evaluate(const gradc_entry *self, const gradc_call *call) {
    const auto count = static_cast<double>(self->batch);
    double squares = 0, mean = 0, spread = 0;
    for (int64_t i = 0; i < self->batch; ++i) {
      const double y = input(call, 1)[i], error = line(floats(call, GRADC_PARAMS), input(call, 0) + 3 * i) - y;
      squares += error * error;
      mean += y / count;
    }
    for (int64_t i = 0; i < self->batch; ++i)
      spread += (input(call, 1)[i] - mean) * (input(call, 1)[i] - mean);
    int i = 0;
    for (double value : {squares, squares, count, mean, spread})
      *output(call, i++) = value;
    return GRADC_OK;
  }

  static int32_t predict(const gradc_entry *self, const gradc_call *call) {
    if (!call->inputs[0])
      return GRADC_NULL_POINTER;
    for (int64_t i = 0; i < self->batch; ++i)
      static_cast<float *>(call->outputs[0])[i] = line(floats(call, GRADC_PARAMS), input(call, 0) + 3 * i);
    return GRADC_OK;
  }

  std::vector<std::vector<gradc_value>> outputs_;
  std::vector<gradc_entry> entries_;
};

/// Rows of "a,b,c,target" with target = 2 a - b + 0.5 c + 1 and a, b, c spread over [-1, 1].
inline std::string line_csv(int64_t rows) {
  std::ostringstream out;
  out << "a,b,c,target\n";
  for (int64_t i = 0; i < rows; ++i) {
    const double a = static_cast<double>(i * 7 % 11) / 5 - 1, b = static_cast<double>(i * 5 % 13) / 6 - 1,
                 c = static_cast<double>(i * 3 % 17) / 8 - 1;
    out << a << ',' << b << ',' << c << ',' << 2 * a - b + 0.5 * c + 1 << '\n';
  }
  return out.str();
}

} // namespace gradc::runtime
