// From a model to machine code: relocatable objects, the same for JIT and shared object.
#pragma once

#include "compiler/engines/cache.h"
#include "compiler/codegen/entries/emit_model.h"

#include <functional>

namespace gradc {

struct CodegenOptions {
  Target target;
  std::vector<Target> higher; // more targets, ascending from `target`; the best is chosen when the code is loaded
  std::optional<ObjectCache> cache;
  bool profile = false;        // entries write down their kernel calls, and need the memory for it: see compiler/reports/profile.h
  std::function<void(const std::string &)> on_llvm;  // receives the LLVM IR before optimization, as text
  std::function<void(const std::string &)> on_asm;   // receives the assembly
  std::function<void(std::string_view, double)> on_time; // stage and seconds
};

/// Emits, verifies, lightly optimizes and assembles a model, or takes it from the cache. The objects, to be linked
/// together, depend on the arguments alone. A malformed module is an InternalFault that names the cause.
std::vector<std::string> compile_objects(const ModelSpec &, const CodegenOptions &);

} // namespace gradc
