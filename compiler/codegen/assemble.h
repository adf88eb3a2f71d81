// The last stage of code generation: a module of LLVM IR in, an object file out.
#pragma once

#include "compiler/codegen/llvm.h"

namespace gradc {

/// Throws InternalFault when the module is malformed.
void verify_module(const llvm::Module &);
/// Puts accumulators into registers and tidies addresses: kernels are tiled and vectorized already.
void optimize_module(llvm::Module &, llvm::TargetMachine &);
/// The bytes of an object, or text for AssemblyFile. Changes the module. Throws Error when a function needs so much of the
/// stack that a call could take more than GRADC_STACK_BYTES.
std::string assemble_module(llvm::Module &, llvm::TargetMachine &, llvm::CodeGenFileType);

} // namespace gradc
