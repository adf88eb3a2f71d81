// One graph given as IR text, compiled and called on zeros and ones: for timing single kernels.
#pragma once

#include "compiler/engines/jit.h"

#include <memory>

namespace gradc::bench {

class GraphRunner {
public:
  /// Throws TextError or Error when the text is no graph.
  GraphRunner(const std::string &text, int threads);
  ~GraphRunner();
  void run() { entry_->run(entry_, &call_); }

private:
  std::unique_ptr<JitModel> jit_;
  const gradc_entry *entry_ = nullptr;
  gradc_call call_{};
  std::vector<std::pair<void *, int64_t>> blocks_;
  std::vector<const void *> inputs_;
  std::vector<void *> arenas_, outputs_;
};

} // namespace gradc::bench
