// One entry point as one straight-line function over its arenas.
#pragma once

#include "compiler/codegen/entries/emit_model.h"
#include "ir/lowering/lower.h"

#include <map>

namespace gradc {

/// The kernels that entries call, by their text and places, so that equal ones are compiled once. Their bodies are
/// emitted later.
struct KernelSet {
  std::string prefix; // of their symbols
  std::map<std::string, size_t> numbers;
  std::vector<PendingKernel> pending;

  const PendingKernel &add(const Kernel &, const std::vector<size_t> &places, const Target &, SumOrder);
};

/// The kernels of a fused graph that its entry calls, in order: all but those of empty tensors alone.
std::vector<LoweredKernel> called_kernels(const Graph &);

/// What these kernels, as called_kernels has them, take of the workspace for each thread.
int64_t thread_bytes(const std::vector<LoweredKernel> &, const Target &, SumOrder);

struct EmittedEntry {
  llvm::Function *function;
  int64_t thread_bytes; // of the workspace
};

/// Emits `i32 symbol(const gradc_entry *self, const gradc_call *call)` for an entry whose graph is planned.
/// `hyper_defaults` is a global array of doubles. With `profile` each kernel call is written down in a CallRecord at
/// self->context.
EmittedEntry emit_entry(llvm::Module &, const std::string &symbol, const EntrySpec &, llvm::Constant *hyper_defaults,
                        const Target &, KernelSet &, bool profile);

} // namespace gradc
