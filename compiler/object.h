// From a model to machine code: one relocatable object, the same for JIT and shared object.
#pragma once

#include "compiler/codegen/emit_model.h"

#include <functional>

namespace llvm {
class MemoryBuffer;
}

namespace gradc {

struct CodegenOptions {
  Target target;
  std::function<void(const std::string &)> on_llvm;  // receives the LLVM IR before optimization, as text
  std::function<void(const std::string &)> on_asm;   // receives the assembly
  std::function<void(std::string_view, double)> on_time; // stage and seconds
};

/// Emits, verifies, lightly optimizes and assembles a model. A malformed module is an InternalFault that names the cause.
std::unique_ptr<llvm::MemoryBuffer> compile_object(const ModelSpec &, const CodegenOptions &);

} // namespace gradc
