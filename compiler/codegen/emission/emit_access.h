// Loads and stores of the elements of a vector, or of a single one.
#pragma once

#include "compiler/codegen/llvm.h"
#include "ir/type.h"

namespace gradc {

/// Where elements lie, from the base of their tensor or buffer.
struct Address {
  llvm::Value *offset;             // in elements, of lane 0
  llvm::Value *indices = nullptr;  // from there, one an element, when lanes are not at a constant stride
  int64_t lane_stride = 0;         // 0: the same element in all lanes
  int lanes = 1;
  bool is_vector() const { return indices || (lane_stride == 1 && lanes > 1); }
};

llvm::Value *element_pointer(llvm::IRBuilderBase &, llvm::Value *base, DType, const Address &);
/// A vector of i1 whose first `active` lanes are set.
llvm::Constant *first_lanes(llvm::IRBuilderBase &, int lanes, int active);
/// Lanes outside `mask` (null: none) are not read and get `otherwise` (null: zero). A scalar where the address is no vector.
llvm::Value *load_elements(llvm::IRBuilderBase &, llvm::Value *base, DType, const Address &, llvm::Value *mask = nullptr,
                           llvm::Constant *otherwise = nullptr);
/// Stores the first `count` lanes.
void store_elements(llvm::IRBuilderBase &, llvm::Value *base, DType, const Address &, int count, llvm::Value *value);

} // namespace gradc
