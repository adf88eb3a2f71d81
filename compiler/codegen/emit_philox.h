// Counter-based random numbers in compiled code.
#pragma once

#include "compiler/codegen/llvm.h"
#include "compiler/codegen/target.h"

namespace gradc {

/// philox_word(args...) of ir/philox.h; all i64, or vectors of it. The rounds are a function that all kernels of a
/// module share: unrolled in place they would be most of the code of a model with dropout.
llvm::Value *emit_philox(llvm::IRBuilderBase &, const Target &, const std::vector<llvm::Value *> &args);

} // namespace gradc
