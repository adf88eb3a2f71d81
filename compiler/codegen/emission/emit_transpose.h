// Transposing copies in compiled code, by a function that all kernels of a model share.
#pragma once

#include "compiler/codegen/llvm.h"

namespace gradc {

struct TransposedBlock {
  llvm::Type *element;
  int lanes;                   // of a vector
  llvm::Value *rows, *columns; // i64, at most `lanes`
  llvm::Value *from;           // rows of consecutive elements ...
  int64_t from_stride;         // ... so many elements apart
  llvm::Value *to;             // columns become rows of whole vectors, 0 in the lanes without a row
  int64_t to_stride;
};
void emit_transpose(llvm::IRBuilderBase &, const TransposedBlock &);

} // namespace gradc
