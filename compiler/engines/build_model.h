// From a checked model to planned graphs for the entry points and batch sizes asked for.
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
/// The planned graph of an entry as the table has it.
EntrySpec entry_spec(Entry, int64_t batch, Graph);

/// Builds, differentiates, optimizes and plans a graph for every request. Throws Error, NotDifferentiable, PassFault.
ModelSpec build_model(const Model &, const std::vector<EntryRequest> &, DType float_dtype, const RunOptions &);

} // namespace gradc
