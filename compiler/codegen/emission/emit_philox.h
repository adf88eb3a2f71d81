// Counter-based random numbers in compiled code. The rounds are a function that all kernels of a model share:
// in place they would be most of the code of a model with dropout.
#pragma once

#include "compiler/codegen/llvm.h"

namespace gradc {

/// philox_word(args...) of ir/philox.h; all i64, or vectors of it. Every lane pays for a block of its own.
llvm::Value *emit_philox(llvm::IRBuilderBase &, const std::vector<llvm::Value *> &args);

/// The words number n + stride * lane, n = args[3] + offset, of one sequence; args are scalars, 0 <= offset < 4. Lanes
/// share blocks: with a stride of 1 a word costs a quarter of a block, or half of one where args[3] may be no multiple
/// of 4.
llvm::Value *emit_philox_run(llvm::IRBuilderBase &, const std::vector<llvm::Value *> &args,
                             int offset, int64_t stride, int lanes);

} // namespace gradc
