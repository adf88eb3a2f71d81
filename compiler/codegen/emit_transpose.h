// Transposing copies in compiled code. A square of vectors is turned by a function that all kernels of a
// module share: in place it would be most of the code of a packed kernel, and LLVM takes long over its
// shuffles.
#pragma once

#include "compiler/codegen/llvm.h"

namespace gradc {

struct TransposedBlock {
  llvm::Type *element;
  int64_t lanes;         // of a vector
  int64_t rows, columns; // at most `lanes`
  llvm::Value *from;     // rows of consecutive elements ...
  int64_t from_stride;   // ... so many elements apart
  llvm::Value *to;       // columns become rows of whole vectors, 0 in the lanes without a row
  int64_t to_stride;
};
void emit_transpose(llvm::IRBuilderBase &, const TransposedBlock &);

} // namespace gradc
