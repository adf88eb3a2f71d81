// A model of tests/bench/models compiled for one batch size, with random data, ready to step.
#pragma once

#include "compiler/engines/jit.h"

#include <memory>

namespace gradc::bench {

class Workload {
public:
  /// Throws Error when the model cannot be read.
  Workload(const std::string &model, int64_t batch, int threads);
  ~Workload();

  /// One train step; returns the loss before the update.
  double step();
  const gradc_model &table() const { return *jit_->table(); }
  double compile_seconds() const { return compile_seconds_; }
  /// Of the contractions of a step: forward, dW and dX; no dX for the first layer.
  double flop() const { return flop_; }

private:
  std::unique_ptr<JitModel> jit_;
  double compile_seconds_ = 0, flop_ = 0;
  const gradc_entry *train_ = nullptr;
  gradc_call call_{};
  std::vector<std::pair<void *, int64_t>> blocks_;
  // Two batches in turn, of the same examples with other labels: the loss stays away from zero, where gradients become
  // denormal numbers, which are slow.
  std::vector<const void *> inputs_[2];
  std::vector<void *> arenas_, outputs_;
  double loss_ = 0;
};

} // namespace gradc::bench
