// Loads and stores of the elements of a vector, or of a single one.
#pragma once

#include "compiler/codegen/llvm.h"
#include "ir/type.h"

namespace gradc {

/// Where elements lie, from the base of their tensor or buffer.
struct Address {
  llvm::Value *offset;             // of lane 0, in elements
  llvm::Value *indices = nullptr;  // of every lane, counted from lane 0, unless lanes are one or no element apart
  int64_t lane_stride = 0;         // elements from lane to lane; 0: all lanes are the same element
  int lanes = 1;
  bool regular = true; // all lanes are `lane_stride` apart
  bool padded = false; // lanes that nobody reads may lie outside the tensor, lane 0 too
  bool is_vector() const { return indices || (lane_stride == 1 && lanes > 1); }
};

llvm::Value *element_pointer(llvm::IRBuilderBase &, llvm::Value *base, DType, const Address &);
/// A vector of i1 whose first `active` lanes are set.
llvm::Constant *first_lanes(llvm::IRBuilderBase &, int lanes, int active);
/// A vector, or a scalar where all lanes are the same element. Lanes where `mask` does not hold are not read and have the
/// value `otherwise` (null: zero); a null mask holds everywhere.
llvm::Value *load_elements(llvm::IRBuilderBase &, llvm::Value *base, DType, const Address &, llvm::Value *mask = nullptr,
                           llvm::Constant *otherwise = nullptr);
/// The first `count` elements that lie two apart, from lane 0 on, by two loads and a shuffle instead of a gather; the lanes behind
/// them are zero. Nothing is read beyond the last element.
llvm::Value *load_every_second(llvm::IRBuilderBase &, llvm::Value *base, DType, const Address &, int count);
/// Stores the first `count` lanes.
void store_elements(llvm::IRBuilderBase &, llvm::Value *base, DType, const Address &, int count, llvm::Value *value);
/// Stores the first `count` lanes of two vectors in turn: those of `even` two apart from lane 0 of the address on, and those of `odd`
/// between them.
void store_in_turn(llvm::IRBuilderBase &, llvm::Value *base, DType, const Address &, int count, llvm::Value *even, llvm::Value *odd);

} // namespace gradc
