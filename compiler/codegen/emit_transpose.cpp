#include "compiler/codegen/emit_transpose.h"

#include "compiler/codegen/shared_function.h"

#include <string>
#include <vector>

namespace gradc {
namespace {

// Halves, quarters, ... change places across the diagonal.
void turn(llvm::IRBuilderBase &b, std::vector<llvm::Value *> &square) {
  const int n = static_cast<int>(square.size());
  for (int half = n / 2; half >= 1; half /= 2) {
    std::vector<int> low, high;
    for (int lane = 0; lane < n; ++lane) {
      low.push_back(lane & half ? n + lane - half : lane);
      high.push_back(lane & half ? n + lane : lane + half);
    }
    for (int i = 0; i < n; ++i)
      if (!(i & half)) {
        llvm::Value *&x = square[static_cast<size_t>(i)], *&y = square[static_cast<size_t>(i + half)];
        llvm::Value *first = b.CreateShuffleVector(x, y, low);
        y = b.CreateShuffleVector(x, y, high);
        x = first;
      }
  }
}

// void(ptr from, i64 from_stride, ptr to, i64 to_stride)
void define(llvm::IRBuilderBase &b, llvm::Function &function, const TransposedBlock &block) {
  for (unsigned arg : {0u, 2u})
    function.addParamAttr(arg, llvm::Attribute::NoAlias);
  b.SetInsertPoint(llvm::BasicBlock::Create(b.getContext(), "entry", &function));
  auto *vector = llvm::FixedVectorType::get(block.element, static_cast<unsigned>(block.lanes));
  const llvm::Align align(block.element->getPrimitiveSizeInBits() / 8);
  auto row = [&](unsigned base, int64_t i) {
    llvm::Value *offset = b.CreateMul(function.getArg(base + 1), b.getInt64(static_cast<uint64_t>(i)));
    return b.CreateInBoundsGEP(block.element, function.getArg(base), offset);
  };
  std::vector<llvm::Constant *> exists;
  for (int64_t lane = 0; lane < block.lanes; ++lane)
    exists.push_back(b.getInt1(lane < block.columns));
  llvm::Constant *mask = llvm::ConstantVector::get(exists), *zero = llvm::Constant::getNullValue(vector);
  std::vector<llvm::Value *> square(static_cast<size_t>(block.lanes), zero);
  for (int64_t i = 0; i < block.rows; ++i)
    square[static_cast<size_t>(i)] =
        block.columns == block.lanes
            ? static_cast<llvm::Value *>(b.CreateAlignedLoad(vector, row(0, i), align))
            : b.CreateMaskedLoad(vector, row(0, i), align, mask, zero);
  turn(b, square);
  for (int64_t i = 0; i < block.columns; ++i)
    b.CreateAlignedStore(square[static_cast<size_t>(i)], row(2, i), align);
  b.CreateRetVoid();
}

} // namespace

void emit_transpose(llvm::IRBuilderBase &b, const TransposedBlock &block) {
  auto number = [](auto n) { return std::to_string(n); };
  const std::string name = "transpose." + number(block.element->getPrimitiveSizeInBits().getFixedValue()) + "." +
                           number(block.lanes) + "." + number(block.rows) + "x" + number(block.columns);
  auto *pointer = llvm::PointerType::getUnqual(b.getContext());
  auto *type = llvm::FunctionType::get(b.getVoidTy(), {pointer, b.getInt64Ty(), pointer, b.getInt64Ty()}, false);
  llvm::Function *function = shared_function(b, name, type, [&](llvm::Function &f) { define(b, f, block); });
  auto stride = [&](int64_t elements) { return b.getInt64(static_cast<uint64_t>(elements)); };
  b.CreateCall(function, {block.from, stride(block.from_stride), block.to, stride(block.to_stride)});
}

} // namespace gradc
