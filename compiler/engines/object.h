// From a model to machine code: relocatable objects, the same for JIT and shared object.
#pragma once

#include "compiler/engines/cache.h"
#include "compiler/codegen/entries/emit_model.h"
#include "passes/runner.h"

#include <functional>

namespace gradc {

struct CodegenOptions {
  Target target;
  std::vector<Target> higher; // more targets, ascending from `target`; the best is chosen when the code is loaded
  RunOptions passes;           // for graphs that are not planned yet
  std::optional<ObjectCache> cache;
  bool profile = false;        // entries write down their kernel calls, and need the memory for it: see compiler/reports/profile.h
  std::function<void(const std::string &)> on_llvm;  // receives the LLVM IR before optimization, as text
  std::function<void(const std::string &)> on_asm;   // receives the assembly
  std::function<void(std::string_view, double)> on_time; // stage and seconds
};

/// A model as code, and as the graphs that the code was made of.
struct CompiledModel {
  std::string name;
  std::vector<std::string> objects; // relocatable, to be linked together
  std::vector<std::string> plans;   // the planned graph of each entry, as text
};

/// Plans the graphs of a model that are not planned yet, emits, verifies, lightly optimizes and assembles it; or takes all
/// of this from the cache, where it is kept under the graphs as they are given. The code of the kernels is kept for itself, too, so
/// that a model that differs in its rates, its schedules or its texts finds that. The result depends on the arguments alone.
/// A malformed module is an InternalFault that names the cause. Where passes print, verify or stop, or code is to be
/// shown, the cache is passed over.
CompiledModel compile_model(const ModelSpec &, const CodegenOptions &);
/// The objects alone.
std::vector<std::string> compile_objects(const ModelSpec &, const CodegenOptions &);
/// The model with the graphs that its code was made of.
ModelSpec with_plans(ModelSpec, const CompiledModel &);

} // namespace gradc
