// A whole model as one LLVM module: kernels, entry points and the table of runtime/gradc.h.
#pragma once

#include "compiler/codegen/llvm.h"
#include "compiler/codegen/schedules/loop_schedule.h"
#include "compiler/codegen/target.h"
#include "ir/graph.h"

namespace gradc {

/// One entry point for one batch size: a planned graph. All entries of a model declare the same inputs, scalars,
/// parameters, slots and buffers in the same order.
struct EntrySpec {
  std::string name;
  int64_t batch = 0;
  Graph graph;
  int32_t kind = 0; // GRADC_TRAIN_STEP, ... of runtime/gradc.h
  SumOrder sums = SumOrder::fast;
};
struct ModelSpec {
  std::string name;      // a C identifier; the module exports <name>_model
  std::string signature; // JSON
  std::string optimizer = {}; // as gradc_model.optimizer
  std::vector<std::pair<std::string, double>> hypers; // with defaults, in the order of the graphs' scalars
  std::vector<std::pair<std::string, std::vector<std::string>>> labels; // of inputs: the texts of their classes
  std::vector<EntrySpec> entries;
};

/// A kernel that is declared and called, but has no body yet.
struct PendingKernel {
  std::string symbol;
  Kernel kernel;
  std::vector<size_t> places; // of each parameter's pointer among the arguments; a state and its new value share one
  LoopSchedule schedule;
  int64_t thread_bytes; // of the workspace, for each share
  const Target *target;
  std::string text;          // what tells it from others of its target
  bool of_schedule = false;  // only the entry that computes rates calls it
};

/// Emits `const gradc_model *<name>_model(void)` and all it refers to but the bodies of kernels, which it returns: each
/// once, to be emitted in any module linked with this one. With several targets, in ascending order, there is a table
/// for each and the function picks the best that the processor can run; null when it can run none. `profile`: as for
/// emit_entry.
std::vector<PendingKernel> emit_model(llvm::Module &, const ModelSpec &, const std::vector<Target> &, bool profile);

} // namespace gradc
