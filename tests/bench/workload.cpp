#include "tests/bench/workload.h"

#include "compiler/engines/build_model.h"
#include "ir/error.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string_view>

namespace gradc::bench {

using Clock = std::chrono::steady_clock;

namespace {

/// Of a step with one example. A weight takes part in one multiply-add for each position of its layer's output.
double contraction_flop(const Model &model) {
  double multiply_adds = 0;
  for (const ModelParam &weight : model.params) {
    const ModelLayer &layer = model.layers[weight.layer];
    if (weight.shape.size() < 2)
      continue;
    const int64_t positions = element_count(layer.output) / layer.output.back();
    const bool reads_input =
        std::any_of(layer.sources.begin(), layer.sources.end(), [&](Source s) { return model.is_input(s); });
    multiply_adds += static_cast<double>(element_count(weight.shape) * positions) * (reads_input ? 2 : 3);
  }
  return 2 * multiply_adds;
}

} // namespace

Workload::Workload(const std::string &name, int64_t batch, int threads) {
  Diagnostics diagnostics;
  std::optional<Model> model = load_model(GRADC_SOURCE_DIR "/tests/bench/models/" + name + ".json", {}, diagnostics);
  if (!model)
    throw Error(diagnostics.render());
  flop_ = contraction_flop(*model) * static_cast<double>(batch);
  Clock::time_point start = Clock::now();
  ModelSpec spec = build_model(*model, {{Entry::init, 0}, {Entry::train_step, batch}}, DType::f32, {});
  CodegenOptions options;
  options.target = host_target();
  jit_ = std::make_unique<JitModel>(spec, options);
  compile_seconds_ = std::chrono::duration<double>(Clock::now() - start).count();

  const gradc_model &t = table();
  auto block = [&](int64_t bytes) {
    void *memory = t.memory_create(bytes);
    std::memset(memory, 0, static_cast<size_t>(bytes)); // pages that nobody wrote are all one
    blocks_.emplace_back(memory, bytes);
    return memory;
  };
  call_.struct_size = sizeof call_;
  call_.team = t.team_create(threads);
  for (int32_t a = 0; a < t.arena_count; ++a)
    arenas_.push_back(block(gradc_arena_bytes(gradc_arena_at(&t, a), t.team_threads(call_.team))));
  call_.arenas = arenas_.data();
  call_.arena_count = t.arena_count;
  std::mt19937 random(1);
  for (int32_t i = 0; i < t.input_count; ++i) {
    const gradc_value &input = *gradc_input_at(&t, i);
    int64_t elements = batch;
    for (int32_t d = 0; d < input.rank; ++d)
      elements *= input.dims[d];
    const bool real = input.dtype == GRADC_F32;
    for (int turn = 0; turn < 2; ++turn) {
      if (real && turn == 1) {
        inputs_[1].push_back(inputs_[0].back());
        continue;
      }
      void *data = block(elements * 4);
      for (int64_t e = 0; e < elements; ++e)
        if (real)
          static_cast<float *>(data)[e] = std::uniform_real_distribution<float>(-1, 1)(random);
        else
          static_cast<int32_t *>(data)[e] = static_cast<int32_t>(random() % 3);
      inputs_[turn].push_back(data);
    }
  }
  outputs_ = {&loss_};
  call_.inputs = inputs_[0].data();
  call_.outputs = outputs_.data();
  for (int32_t e = 0; e < t.entry_count; ++e) {
    const gradc_entry *entry = gradc_entry_at(&t, e);
    if (entry->kind == GRADC_TRAIN_STEP)
      train_ = entry;
    else
      entry->run(entry, &call_);
  }
}

Workload::~Workload() {
  table().team_destroy(call_.team);
  for (auto [memory, bytes] : blocks_)
    jit_->table()->memory_destroy(memory, bytes);
}

double Workload::step() {
  call_.inputs = inputs_[call_.step % 2].data();
  train_->run(train_, &call_);
  ++call_.step;
  return loss_;
}

} // namespace gradc::bench
