// Runs graphs as compiled code: in this process, or as a shared object. Memory is guarded: every input, output and arena
// ends at a page that cannot be touched, is followed and led by bytes that must not change, and holds NaNs where nothing
// has been written, so that a stray read or write shows.
#pragma once

#include "compiler/codegen/entries/emit_model.h"
#include "ir/interpreter.h"
#include "runtime/gradc.h"

#include <memory>

namespace gradc::tests {

/// Many graphs compiled together, one entry each. Passes that have not run yet (from `fuse` on) are run.
class CompiledGraphs {
public:
  /// As machine code in this process, for a target of parse_target and with a wish of parse_schedule_override.
  static CompiledGraphs jit(std::vector<Graph> graphs, const char *target = "native", const char *wish = "",
                            SumOrder sums = SumOrder::fast);
  /// As a shared object, opened with dlopen.
  static CompiledGraphs shared_object(std::vector<Graph> graphs);

  size_t size() const { return graphs_.size(); }
  /// Graph `i` as it was compiled: planned.
  const Graph &graph(size_t i) const { return graphs_[i]; }
  /// The values of graph(i).returns; updates the state in `bindings`. Throws std::runtime_error when memory that is not
  /// the graph's was written, or the call fails.
  std::vector<Tensor> run(size_t i, Bindings &bindings, int threads = 1) const;

private:
  CompiledGraphs(std::vector<Graph> graphs, std::shared_ptr<const void> code, const gradc_model *table)
      : graphs_(std::move(graphs)), code_(std::move(code)), table_(table) {}

  std::vector<Graph> graphs_;
  std::shared_ptr<const void> code_; // keeps the table alive
  const gradc_model *table_;
};

/// JIT of one graph for a target of parse_target.
std::vector<Tensor> run_jit(const Graph &graph, Bindings &bindings, const char *target = "native", int threads = 1);
/// Shared object of one graph, opened with dlopen.
std::vector<Tensor> run_aot(const Graph &graph, Bindings &bindings);

} // namespace gradc::tests
