#include "compiler/codegen/emission/emit_access.h"

#include "compiler/codegen/emission/emit_scalar.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace gradc {

// LLVM may use that a pointer made inbounds is never outside its tensor.
static llvm::Value *advanced(llvm::IRBuilderBase &b, llvm::Type *type, llvm::Value *base, llvm::Value *by,
                             const Address &at) {
  return at.padded ? b.CreateGEP(type, base, by) : b.CreateInBoundsGEP(type, base, by);
}

llvm::Value *element_pointer(llvm::IRBuilderBase &b, llvm::Value *base, DType dtype, const Address &at) {
  llvm::Type *type = memory_type(b.getContext(), dtype);
  // Split off a constant addend, so that neighbouring accesses share their base.
  if (auto *add = llvm::dyn_cast<llvm::BinaryOperator>(at.offset); add && add->getOpcode() == llvm::Instruction::Add)
    if (auto *constant = llvm::dyn_cast<llvm::ConstantInt>(add->getOperand(1)))
      return advanced(b, type, advanced(b, type, base, add->getOperand(0), at), constant, at);
  return advanced(b, type, base, at.offset, at);
}

llvm::Constant *first_lanes(llvm::IRBuilderBase &b, int lanes, int active) {
  std::vector<llvm::Constant *> bits;
  for (int lane = 0; lane < lanes; ++lane)
    bits.push_back(b.getInt1(lane < active));
  return llvm::ConstantVector::get(bits);
}

llvm::Value *load_elements(llvm::IRBuilderBase &b, llvm::Value *base, DType dtype, const Address &at, llvm::Value *mask,
                           llvm::Constant *otherwise) {
  llvm::Type *element = memory_type(b.getContext(), dtype);
  const llvm::Align align(static_cast<uint64_t>(size_of(dtype)));
  llvm::Value *pointer = element_pointer(b, base, dtype, at);
  llvm::Value *value = nullptr;
  if (at.is_vector()) {
    auto *vector = llvm::FixedVectorType::get(element, static_cast<unsigned>(at.lanes));
    llvm::Constant *pass = !mask       ? llvm::PoisonValue::get(vector)
                           : otherwise ? llvm::ConstantVector::getSplat(vector->getElementCount(), otherwise)
                                       : llvm::Constant::getNullValue(vector);
    if (at.indices)
      value = b.CreateMaskedGather(vector, advanced(b, element, pointer, at.indices, at), align,
                                   mask ? mask : first_lanes(b, at.lanes, at.lanes), pass);
    else if (mask)
      value = b.CreateMaskedLoad(vector, pointer, align, mask, pass);
    else
      value = b.CreateAlignedLoad(vector, pointer, align);
  } else {
    value = b.CreateAlignedLoad(element, pointer, align);
  }
  if (dtype == DType::boolean)
    value = b.CreateICmpNE(value, llvm::Constant::getNullValue(value->getType()));
  return value;
}

llvm::Value *load_every_second(llvm::IRBuilderBase &b, llvm::Value *base, DType dtype, const Address &at, int count) {
  const int needed = 2 * count - 1; // elements from the first to the last
  auto part = [&](int first) {
    Address vector{b.CreateNSWAdd(at.offset, b.getInt64(static_cast<uint64_t>(first))), nullptr, 1, at.lanes};
    const int here = std::clamp(needed - first, 0, at.lanes);
    llvm::Value *mask = here < at.lanes ? first_lanes(b, at.lanes, here) : nullptr;
    return load_elements(b, base, dtype, vector, mask);
  };
  std::vector<int> every_second(static_cast<size_t>(at.lanes));
  for (int lane = 0; lane < at.lanes; ++lane)
    every_second[static_cast<size_t>(lane)] = 2 * lane;
  llvm::Value *low = part(0);
  llvm::Value *high = needed > at.lanes ? part(at.lanes) : llvm::Constant::getNullValue(low->getType());
  return b.CreateShuffleVector(low, high, every_second);
}

void store_in_turn(llvm::IRBuilderBase &b, llvm::Value *base, DType dtype, const Address &at, int count, llvm::Value *even,
                   llvm::Value *odd) {
  for (int half = 0; half < 2; ++half) {
    std::vector<int> turns;
    for (int lane = 0; lane < at.lanes / 2; ++lane)
      for (int from : {0, at.lanes})
        turns.push_back(from + half * at.lanes / 2 + lane);
    const int first = half * at.lanes, here = std::clamp(2 * count - first, 0, at.lanes);
    const Address vector{b.CreateNSWAdd(at.offset, b.getInt64(static_cast<uint64_t>(first))), nullptr, 1, at.lanes};
    if (here > 0)
      store_elements(b, base, dtype, vector, here, b.CreateShuffleVector(even, odd, turns));
  }
}

void store_elements(llvm::IRBuilderBase &b, llvm::Value *base, DType dtype, const Address &at, int count,
                    llvm::Value *value) {
  llvm::Type *element = memory_type(b.getContext(), dtype);
  const llvm::Align align(static_cast<uint64_t>(size_of(dtype)));
  llvm::Value *pointer = element_pointer(b, base, dtype, at);
  auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(value->getType());
  if (dtype == DType::boolean)
    value = b.CreateZExt(value, vector ? llvm::FixedVectorType::get(element, vector->getNumElements()) : element);
  if (at.indices) {
    b.CreateMaskedScatter(value, b.CreateInBoundsGEP(element, pointer, at.indices), align, first_lanes(b, at.lanes, count));
    return;
  }
  if (!vector || count == at.lanes) {
    b.CreateAlignedStore(value, pointer, align);
    return;
  }
  // Stored in pieces of 2^n lanes, not under a mask: a load that overlaps a masked store, be it only lanes that were
  // masked off, has to wait until the store has reached the cache. Loads of the next row of the same tensor would
  // overlap it.
  for (int first = 0; first < count;) {
    const auto lanes = static_cast<int>(std::bit_floor(static_cast<unsigned>(count - first)));
    std::vector<int> piece(static_cast<size_t>(lanes));
    std::iota(piece.begin(), piece.end(), first);
    b.CreateAlignedStore(b.CreateShuffleVector(value, piece),
                         b.CreateConstInBoundsGEP1_64(element, pointer, static_cast<uint64_t>(first)), align);
    first += lanes;
  }
}

} // namespace gradc
