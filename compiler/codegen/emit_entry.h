// One entry point as one straight-line function over its arenas.
#pragma once

#include "compiler/codegen/emit_model.h"

#include <map>

namespace gradc {

/// Kernels of a module by their text, so that equal ones are compiled once.
using KernelCache = std::map<std::string, llvm::Function *>;

/// Emits `i32 symbol(const gradc_entry *self, const gradc_call *call)` for a planned graph. `hyper_defaults` is a global
/// array of doubles.
llvm::Function *emit_entry(llvm::Module &, const std::string &symbol, const Graph &, llvm::Constant *hyper_defaults,
                           const Target &, KernelCache &);

} // namespace gradc
