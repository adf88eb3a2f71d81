// One graph given as IR text, compiled and called on zeros, or on what is written into its inputs: for timing single kernels.
#pragma once

#include "compiler/engines/jit.h"

#include <memory>
#include <string>
#include <vector>

namespace gradc::bench {

class GraphRunner {
public:
  /// An input or a result: contiguous, row-major.
  struct Tensor {
    std::string name;
    void *data;
    int64_t bytes;
  };

  /// Throws TextError or Error when the text is no graph.
  GraphRunner(const std::string &text, int threads);
  ~GraphRunner();
  void run() { entry_->run(entry_, &call_); }
  const std::vector<Tensor> &inputs() const { return inputs_; }
  const std::vector<Tensor> &outputs() const { return outputs_; }

private:
  std::unique_ptr<JitModel> jit_;
  const gradc_entry *entry_ = nullptr;
  gradc_call call_{};
  std::vector<std::pair<void *, int64_t>> blocks_;
  std::vector<Tensor> inputs_, outputs_;
  std::vector<const void *> input_data_;
  std::vector<void *> arenas_, output_data_;
};

} // namespace gradc::bench
