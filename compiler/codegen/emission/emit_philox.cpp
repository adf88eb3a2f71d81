// A block is two 64-bit lanes: its words in the order of memory, so that blocks side by side are a vector of
// consecutive words. A round is then one multiplication of the even words, which x86 does 32 x 32 bits to 64,
// and a reversal of the products.
#include "compiler/codegen/emission/emit_philox.h"

#include "compiler/codegen/emission/emit_loop.h"
#include "compiler/codegen/emission/shared_function.h"
#include "ir/philox.h"

#include <algorithm>
#include <bit>

namespace gradc {
namespace {

constexpr int64_t kLowWord = 0xFFFFFFFF;
constexpr int kUnrolledRounds = 2; // LLVM takes 8 to 12 ms for ten in a row, 3 to 5 for a loop
static_assert(kPhiloxRounds % kUnrolledRounds == 0);

unsigned lanes_of(llvm::Value *x) {
  auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(x->getType());
  return vector ? vector->getNumElements() : 1;
}

/// How many low bits of an integer are known to be zero. LLVM's own analysis cannot be used: while a loop's body is
/// emitted, the counter's phi has only its first value, and the analysis would take that for all of them.
unsigned low_zeros(llvm::Value *x) {
  if (auto *constant = llvm::dyn_cast<llvm::ConstantInt>(x))
    return constant->getValue().countr_zero();
  auto *operation = llvm::dyn_cast<llvm::BinaryOperator>(x);
  if (!operation)
    return 0;
  const unsigned a = low_zeros(operation->getOperand(0)), b = low_zeros(operation->getOperand(1));
  switch (operation->getOpcode()) {
  case llvm::Instruction::Add: return std::min(a, b);
  case llvm::Instruction::Mul: return a + b;
  default: return 0;
  }
}

class PhiloxEmitter {
public:
  explicit PhiloxEmitter(llvm::IRBuilderBase &b) : b_(b) {}

  /// The words of blocks whose counters and keys are given as 64-bit halves, first and second half by turns.
  llvm::Value *words(llvm::Value *counters, llvm::Value *keys) {
    return b_.CreateCall(rounds(counters->getType()), {counters, keys});
  }
  /// The second half of a counter; the first is the number of the block.
  llvm::Value *step_and_stream(llvm::Value *step, llvm::Value *stream) {
    return b_.CreateOr(low(step), b_.CreateShl(stream, integer(stream, 32)));
  }
  llvm::Value *high(llvm::Value *x) { return b_.CreateLShr(x, integer(x, 32)); }
  llvm::Value *low(llvm::Value *x) { return b_.CreateAnd(x, integer(x, kLowWord)); }
  /// Lane i is words[stride i + k], k being lane i of `which`, known to be in [first, last].
  llvm::Value *pick(llvm::Value *words, int64_t stride, llvm::Value *which, int first, int last);

private:
  llvm::Constant *integer(llvm::Value *like, int64_t value) {
    return llvm::ConstantInt::getSigned(like->getType(), value);
  }
  llvm::Function *rounds(llvm::Type *pairs);
  void emit_rounds(llvm::Function &);

  llvm::IRBuilderBase &b_;
};

void PhiloxEmitter::emit_rounds(llvm::Function &f) {
  llvm::Type *pairs = f.getArg(0)->getType();
  const unsigned blocks = lanes_of(f.getArg(0)) / 2;
  auto *quads = llvm::FixedVectorType::get(b_.getInt32Ty(), 4 * blocks);
  std::vector<llvm::Constant *> multipliers, weyl;
  std::vector<int> reversed;
  for (unsigned word = 0; word < 4 * blocks; ++word) {
    reversed.push_back(static_cast<int>(word ^ 3));
    weyl.push_back(b_.getInt32(word % 2 == 0 ? kPhiloxWeyl[word / 2 % 2] : 0));
  }
  for (unsigned half = 0; half < 2 * blocks; ++half)
    multipliers.push_back(b_.getInt64(kPhiloxMultipliers[half % 2]));

  llvm::AllocaInst *state = b_.CreateAlloca(pairs), *key = b_.CreateAlloca(pairs); // registers, once LLVM has seen them
  b_.CreateStore(f.getArg(0), state);
  b_.CreateStore(f.getArg(1), key);
  emit_loop(b_, b_.getInt64(0), b_.getInt64(kPhiloxRounds), kUnrolledRounds, [&](llvm::Value *) {
    for (int round = 0; round < kUnrolledRounds; ++round) {
      llvm::Value *old = b_.CreateLoad(pairs, state), *k = b_.CreateLoad(pairs, key);
      llvm::Value *product = b_.CreateMul(low(old), llvm::ConstantVector::get(multipliers));
      llvm::Value *swapped = b_.CreateShuffleVector(b_.CreateBitCast(product, quads), reversed);
      b_.CreateStore(b_.CreateXor(b_.CreateBitCast(swapped, pairs), b_.CreateXor(high(old), k)), state);
      llvm::Value *bumped = b_.CreateAdd(b_.CreateBitCast(k, quads), llvm::ConstantVector::get(weyl));
      b_.CreateStore(b_.CreateBitCast(bumped, pairs), key);
    }
  });
  b_.CreateRet(b_.CreateBitCast(b_.CreateLoad(pairs, state), quads));
}

llvm::Function *PhiloxEmitter::rounds(llvm::Type *pairs) {
  const unsigned words = 2 * llvm::cast<llvm::FixedVectorType>(pairs)->getNumElements();
  auto *type = llvm::FunctionType::get(llvm::FixedVectorType::get(b_.getInt32Ty(), words), {pairs, pairs}, false);
  return shared_function(b_, "philox." + std::to_string(words), type, [&](llvm::Function &function) {
    function.setDoesNotAccessMemory(); // so equal calls are made once
    function.setWillReturn();
    emit_rounds(function);
  });
}

llvm::Value *PhiloxEmitter::pick(llvm::Value *words, int64_t stride, llvm::Value *which, int first, int last) {
  llvm::Value *result = nullptr;
  for (int k = first; k <= last; ++k) {
    std::vector<int> order;
    for (unsigned lane = 0; lane < lanes_of(which); ++lane)
      order.push_back(static_cast<int>(stride * lane) + k);
    llvm::Value *candidate = b_.CreateShuffleVector(words, order);
    result = result ? b_.CreateSelect(b_.CreateICmpEQ(which, integer(which, k)), candidate, result) : candidate;
  }
  return result;
}

} // namespace

llvm::Value *emit_philox(llvm::IRBuilderBase &b, const std::vector<llvm::Value *> &args) {
  PhiloxEmitter philox(b);
  const unsigned lanes = lanes_of(args[3]);
  auto *type = llvm::FixedVectorType::get(b.getInt64Ty(), lanes);
  std::vector<llvm::Value *> vectors;
  for (llvm::Value *arg : args)
    vectors.push_back(b.CreateBitCast(arg, type));
  llvm::Value *seed = vectors[0], *n = vectors[3];
  std::vector<int> order;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    order.push_back(static_cast<int>(lane));
    order.push_back(static_cast<int>(lanes + lane));
  }
  auto interleaved = [&](llvm::Value *x, llvm::Value *y) { return b.CreateShuffleVector(x, y, order); };
  llvm::Value *block = b.CreateLShr(n, llvm::ConstantInt::get(type, 2));
  llvm::Value *words = philox.words(interleaved(block, philox.step_and_stream(vectors[1], vectors[2])),
                                    interleaved(philox.low(seed), philox.high(seed)));
  llvm::Value *result = philox.pick(words, 4, b.CreateAnd(n, llvm::ConstantInt::get(type, 3)), 0, 3);
  return args[3]->getType()->isVectorTy() ? result : b.CreateExtractElement(result, uint64_t{0});
}

llvm::Value *emit_philox_run(llvm::IRBuilderBase &b, const std::vector<llvm::Value *> &args,
                             int offset, int64_t stride, int lanes) {
  PhiloxEmitter philox(b);
  llvm::Value *seed = args[0], *n = args[3];
  const int first = offset, last = low_zeros(n) >= 2 ? offset : offset + 3; // where in its block the first word is
  // In whole registers, which cost as much.
  const unsigned blocks = std::bit_ceil(static_cast<unsigned>((last + stride * (lanes - 1)) / 4 + 1));
  std::vector<llvm::Constant *> numbers;
  std::vector<int> order;
  for (unsigned half = 0; half < 2 * blocks; ++half) {
    numbers.push_back(b.getInt64(half / 2));
    order.push_back(static_cast<int>(half % 2 == 0 ? half : 2 * blocks + half));
  }
  auto alternating = [&](llvm::Value *x, llvm::Value *y) { return b.CreateShuffleVector(x, y, order); };
  auto splat = [&](llvm::Value *x) { return b.CreateVectorSplat(2 * blocks, x); };
  // Signed: a vector may begin before word 0, in lanes that nobody uses.
  llvm::Value *block = b.CreateAdd(splat(b.CreateAShr(n, b.getInt64(2))), llvm::ConstantVector::get(numbers));
  llvm::Value *words = philox.words(alternating(block, splat(philox.step_and_stream(args[1], args[2]))),
                                    alternating(splat(philox.low(seed)), splat(philox.high(seed))));
  llvm::Value *which = b.CreateAdd(b.CreateAnd(n, b.getInt64(3)), b.getInt64(static_cast<uint64_t>(offset)));
  return philox.pick(words, stride, b.CreateVectorSplat(static_cast<unsigned>(lanes), which), first, last);
}

} // namespace gradc
