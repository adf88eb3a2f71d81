// Runs graphs as compiled code: in this process, or as a shared object.
#pragma once

#include "compiler/codegen/emit_model.h"
#include "ir/interpreter.h"
#include "runtime/gradc.h"

namespace gradc::tests {

/// One entry called "run" around a graph; passes that have not run yet (from `fuse` on) are run.
ModelSpec wrap_graph(Graph graph);

/// The first entry of a table on `bindings`: the values of graph.returns; updates the state in `bindings`.
std::vector<Tensor> run_table(const gradc_model &table, const Graph &graph, Bindings &bindings, int threads = 1);

/// JIT for a target of parse_target.
std::vector<Tensor> run_jit(const Graph &graph, Bindings &bindings, const char *target = "native", int threads = 1);
/// Shared object, opened with dlopen.
std::vector<Tensor> run_aot(const Graph &graph, Bindings &bindings);

} // namespace gradc::tests
