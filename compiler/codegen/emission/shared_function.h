// Functions that all kernels of a model share: what would be most of their code in place, and most of the time to compile.
#pragma once

#include "compiler/codegen/llvm.h"

#include <functional>

namespace gradc {

/// The function `name` for the target of the function that is being built; `define` writes its body the first time,
/// from its entry on.
llvm::Function *shared_function(llvm::IRBuilderBase &, const std::string &name, llvm::FunctionType *,
                                const std::function<void(llvm::Function &)> &define);

} // namespace gradc
