// Scalar operations of the kernel IR as LLVM instructions, on scalars or on vectors of any length.
#pragma once

#include "compiler/codegen/llvm.h"
#include "compiler/codegen/target.h"
#include "ir/kernel.h"

namespace gradc {

/// In registers: bool is i1.
llvm::Type *register_type(llvm::LLVMContext &, DType);
/// In memory: bool is i8.
llvm::Type *memory_type(llvm::LLVMContext &, DType);
/// `scalar` in all lanes, as the pattern that becomes one broadcast load.
llvm::Value *splat(llvm::IRBuilderBase &, llvm::Value *scalar, int lanes);

/// The op on operands that are all scalars or all vectors of one length. `operand` is the dtype of the operands (of the
/// values for select), `result` that of the result. Same meaning as evaluate_scalar.
llvm::Value *emit_scalar(llvm::IRBuilderBase &, const Target &, ScalarOp, DType operand, DType result,
                         const std::vector<llvm::Value *> &args);
/// a*b + c with one rounding where the target can, two otherwise.
llvm::Value *emit_fma(llvm::IRBuilderBase &, const Target &, llvm::Value *a, llvm::Value *b, llvm::Value *c);
/// NaN if either is NaN, else the larger; `a` where they compare equal.
llvm::Value *emit_maximum(llvm::IRBuilderBase &, llvm::Value *a, llvm::Value *b);

} // namespace gradc
