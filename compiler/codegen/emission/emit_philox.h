// Counter-based random numbers in compiled code. The rounds are a function that all kernels of a model share:
// in place they would be most of the code of a model with dropout.
#pragma once

#include "compiler/codegen/llvm.h"

namespace gradc {

/// philox_word(args...) of ir/philox.h. The arguments are i64 or vectors of it; a block of random words is computed for
/// every lane, though each uses one word of it.
llvm::Value *emit_philox(llvm::IRBuilderBase &, const std::vector<llvm::Value *> &args);

/// A vector of the words number n + stride * lane of one sequence, where n = args[3] + offset; args are scalars, and 0 <=
/// offset < 4. Lanes share the blocks of four words: with a stride of 1 a word costs a quarter of a block, or half of one
/// where it is not known that args[3] is a multiple of 4.
llvm::Value *emit_philox_run(llvm::IRBuilderBase &, const std::vector<llvm::Value *> &args,
                             int offset, int64_t stride, int lanes);

} // namespace gradc
