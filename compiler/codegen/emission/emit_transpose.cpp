#include "compiler/codegen/emission/emit_transpose.h"

#include "compiler/codegen/emission/emit_loop.h"
#include "compiler/codegen/emission/shared_function.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

namespace gradc {
namespace {

constexpr int kChunkBits = 128; // of a vector, within which x86 shuffles cheaply

// Takes n vectors as rows, cut into chunks of n elements: chunk by chunk that is a square, which is transposed.
// Interleaving the first half of the rows with the second, log2(n) times, moves every element to its place.
void turn_chunks(llvm::IRBuilderBase &b, std::vector<llvm::Value *> &square, int lanes) {
  const int n = static_cast<int>(square.size());
  for (int stage = 1; stage < n; stage *= 2) {
    std::vector<llvm::Value *> next;
    for (size_t i = 0; i < square.size() / 2; ++i)
      for (int half : {0, n / 2}) {
        std::vector<int> mask;
        for (int chunk = 0; chunk < lanes; chunk += n)
          for (int k = chunk + half; k < chunk + half + n / 2; ++k)
            mask.insert(mask.end(), {k, lanes + k});
        next.push_back(b.CreateShuffleVector(square[i], square[i + square.size() / 2], mask));
      }
    square = std::move(next);
  }
}

// Vectors of one type, as many as a power of two, side by side.
llvm::Value *concatenated(llvm::IRBuilderBase &b, std::vector<llvm::Value *> parts) {
  while (parts.size() > 1) {
    std::vector<int> all(2 * llvm::cast<llvm::FixedVectorType>(parts[0]->getType())->getNumElements());
    std::iota(all.begin(), all.end(), 0);
    std::vector<llvm::Value *> longer;
    for (size_t i = 0; i < parts.size(); i += 2)
      longer.push_back(b.CreateShuffleVector(parts[i], parts[i + 1], all));
    parts = std::move(longer);
  }
  return parts[0];
}

// The function void(ptr from, i64 from_stride, ptr to, i64 to_stride, i64 rows, i64 columns). It first copies the rows
// side by side: rows a page apart would evict each other from the cache. Then it transposes as many columns at a time
// as a chunk has elements.
class TransposeEmitter {
public:
  TransposeEmitter(llvm::IRBuilderBase &b, llvm::Function &function, llvm::Type *element, int lanes)
      : b_(b), function_(function), element_(element), lanes_(lanes),
        chunk_(std::max(1, kChunkBits / static_cast<int>(element->getPrimitiveSizeInBits()))),
        vector_(llvm::FixedVectorType::get(element, static_cast<unsigned>(lanes))),
        align_(element->getPrimitiveSizeInBits() / 8) {}

  void emit() {
    for (unsigned arg : {0u, 2u})
      function_.addParamAttr(arg, llvm::Attribute::NoAlias);
    rows_ = b_.CreateAlloca(llvm::ArrayType::get(vector_, static_cast<uint64_t>(lanes_)), nullptr, "rows");
    rows_->setAlignment(llvm::Align(64));
    copy_rows();
    llvm::Value *columns = function_.getArg(5);
    emit_loop(b_, i64(0), columns, chunk_, [&](llvm::Value *first) {
      std::vector<llvm::Value *> square;
      for (int r = 0; r < chunk_; ++r)
        square.push_back(gather(first, r));
      turn_chunks(b_, square, lanes_);
      for (int i = 0; i < chunk_; ++i) {
        llvm::Value *column = b_.CreateAdd(first, i64(i));
        emit_if(b_, b_.CreateICmpSLT(column, columns), [&] {
          b_.CreateAlignedStore(square[static_cast<size_t>(i)], at(function_.getArg(2), column, function_.getArg(3)), align_);
        });
      }
    });
    b_.CreateRetVoid();
  }

private:
  llvm::Value *i64(int64_t v) { return b_.getInt64(static_cast<uint64_t>(v)); }
  llvm::Value *at(llvm::Value *base, llvm::Value *number, llvm::Value *stride) {
    return b_.CreateInBoundsGEP(element_, base, b_.CreateMul(number, stride));
  }
  llvm::Value *own_row(llvm::Value *number) { return at(rows_, number, i64(lanes_)); }

  // What is beyond the last row or column is 0.
  void copy_rows() {
    llvm::Value *rows = function_.getArg(4);
    std::vector<llvm::Constant *> numbers;
    for (int lane = 0; lane < lanes_; ++lane)
      numbers.push_back(b_.getInt32(static_cast<uint32_t>(lane)));
    llvm::Value *columns = b_.CreateTrunc(function_.getArg(5), b_.getInt32Ty());
    llvm::Value *exists = b_.CreateICmpSLT(llvm::ConstantVector::get(numbers),
                                           b_.CreateVectorSplat(static_cast<unsigned>(lanes_), columns));
    llvm::Constant *zero = llvm::Constant::getNullValue(vector_);
    auto copy = [&](llvm::Value *count, bool whole) {
      emit_loop(b_, i64(0), count, 1, [&](llvm::Value *row) {
        llvm::Value *from = at(function_.getArg(0), row, function_.getArg(1));
        llvm::Value *values = whole ? static_cast<llvm::Value *>(b_.CreateAlignedLoad(vector_, from, align_))
                                    : b_.CreateMaskedLoad(vector_, from, align_, exists, zero);
        b_.CreateAlignedStore(values, own_row(row), align_);
      });
    };
    if (vector_->getPrimitiveSizeInBits() > kChunkBits) {
      copy(rows, false);
    } else { // a masked load is a branch for every lane
      llvm::Value *whole = b_.CreateICmpEQ(function_.getArg(5), i64(lanes_));
      copy(b_.CreateSelect(whole, rows, i64(0)), true);
      copy(b_.CreateSelect(whole, i64(0), rows), false);
    }
    emit_loop(b_, rows, i64(lanes_), 1, [&](llvm::Value *row) { b_.CreateAlignedStore(zero, own_row(row), align_); });
  }

  // Elements [first, first + chunk) of the rows r, r + chunk, r + 2 chunk, ..., side by side.
  llvm::Value *gather(llvm::Value *first, int r) {
    std::vector<llvm::Value *> parts;
    for (int row = r; row < lanes_; row += chunk_) {
      auto *type = llvm::FixedVectorType::get(element_, static_cast<unsigned>(chunk_));
      parts.push_back(b_.CreateAlignedLoad(type, b_.CreateInBoundsGEP(element_, own_row(i64(row)), first), align_));
    }
    return concatenated(b_, std::move(parts));
  }

  llvm::IRBuilderBase &b_;
  llvm::Function &function_;
  llvm::Type *element_;
  const int lanes_, chunk_;
  llvm::FixedVectorType *vector_;
  const llvm::Align align_;
  llvm::AllocaInst *rows_ = nullptr;
};

} // namespace

void emit_transpose(llvm::IRBuilderBase &b, const TransposedBlock &block) {
  auto number = [](auto n) { return std::to_string(n); };
  const std::string name =
      "transpose." + number(block.element->getPrimitiveSizeInBits().getFixedValue()) + "." + number(block.lanes);
  auto *pointer = llvm::PointerType::getUnqual(b.getContext());
  llvm::Type *i64 = b.getInt64Ty();
  auto *type = llvm::FunctionType::get(b.getVoidTy(), {pointer, i64, pointer, i64, i64, i64}, false);
  llvm::Function *function = shared_function(
      b, name, type, [&](llvm::Function &f) { TransposeEmitter(b, f, block.element, block.lanes).emit(); });
  auto stride = [&](int64_t elements) { return b.getInt64(static_cast<uint64_t>(elements)); };
  b.CreateCall(function, {block.from, stride(block.from_stride), block.to, stride(block.to_stride), block.rows, block.columns});
}

} // namespace gradc
