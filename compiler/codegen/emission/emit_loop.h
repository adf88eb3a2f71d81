// Counted loops and conditions in compiled code.
#pragma once

#include "compiler/codegen/llvm.h"

#include <functional>

namespace gradc {

/// for (i = begin; i < end; i += step) body(i). The builder goes on behind it.
void emit_loop(llvm::IRBuilderBase &, llvm::Value *begin, llvm::Value *end, int64_t step,
               const std::function<void(llvm::Value *)> &body);
/// if (condition) body(). The builder goes on behind it.
void emit_if(llvm::IRBuilderBase &, llvm::Value *condition, const std::function<void()> &body);

} // namespace gradc
