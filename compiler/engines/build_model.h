// From a checked model to graphs for the entry points and batch sizes asked for.
#pragma once

#include "compiler/codegen/entries/emit_model.h"
#include "compiler/model/model.h"
#include "passes/runner.h"

namespace gradc {

struct EntryRequest {
  Entry entry;
  int64_t batch = 0;
};

/// The entry of a kind of runtime/gradc.h.
Entry entry_of(int32_t kind);
/// Predictions have fixed sums: what is predicted for an example must not depend on what else is in its batch.
SumOrder sum_order(Entry);
/// The graph of an entry as the table has it.
EntrySpec entry_spec(Entry, int64_t batch, Graph);

/// Builds and differentiates a graph for every request. Throws Error, NotDifferentiable.
ModelSpec build_graphs(const Model &, const std::vector<EntryRequest> &, DType float_dtype);
/// The same, then optimized and planned. Throws PassFault too.
ModelSpec build_model(const Model &, const std::vector<EntryRequest> &, DType float_dtype, const RunOptions &);

} // namespace gradc
