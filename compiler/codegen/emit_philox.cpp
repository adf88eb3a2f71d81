#include "compiler/codegen/emit_philox.h"

#include "ir/philox.h"

namespace gradc {
namespace {

/// The rounds on 32-bit words kept in 64-bit lanes, whose upper halves are cleared only where they matter: before a
/// multiplication, which then is one instruction of 32 x 32 bits.
class PhiloxEmitter {
public:
  explicit PhiloxEmitter(llvm::Function &function)
      : b_(function.getContext()), f_(function), t_(f_.getArg(0)->getType()) {}
  void run();

private:
  struct State {
    llvm::Value *counter[4], *key[2];
  };
  llvm::Constant *integer(int64_t value) { return llvm::ConstantInt::getSigned(t_, value); }
  llvm::Value *high(llvm::Value *x) { return b_.CreateLShr(x, integer(32)); }
  llvm::Value *product(llvm::Value *x, int64_t factor) {
    return b_.CreateMul(b_.CreateAnd(x, integer(0xFFFFFFFF)), integer(factor));
  }
  State round(const State &s);
  State loop(const State &first);

  llvm::IRBuilder<> b_;
  llvm::Function &f_;
  llvm::Type *t_;
};

PhiloxEmitter::State PhiloxEmitter::round(const State &s) {
  llvm::Value *p0 = product(s.counter[0], kPhiloxMultipliers[0]);
  llvm::Value *p1 = product(s.counter[2], kPhiloxMultipliers[1]);
  return {{b_.CreateXor(b_.CreateXor(high(p1), s.counter[1]), s.key[0]), p1,
           b_.CreateXor(b_.CreateXor(high(p0), s.counter[3]), s.key[1]), p0},
          {b_.CreateAdd(s.key[0], integer(kPhiloxWeyl[0])), b_.CreateAdd(s.key[1], integer(kPhiloxWeyl[1]))}};
}

PhiloxEmitter::State PhiloxEmitter::loop(const State &first) {
  llvm::BasicBlock *before = b_.GetInsertBlock();
  auto *body = llvm::BasicBlock::Create(f_.getContext(), "round", &f_);
  auto *after = llvm::BasicBlock::Create(f_.getContext(), "done", &f_);
  b_.CreateBr(body);
  b_.SetInsertPoint(body);
  auto carried = [&](llvm::Value *initial) {
    llvm::PHINode *phi = b_.CreatePHI(initial->getType(), 2);
    phi->addIncoming(initial, before);
    return phi;
  };
  llvm::PHINode *i = carried(b_.getInt64(0));
  State s;
  for (int word = 0; word < 4; ++word)
    s.counter[word] = carried(first.counter[word]);
  for (int word = 0; word < 2; ++word)
    s.key[word] = carried(first.key[word]);
  State next = round(s);
  llvm::Value *done = b_.CreateAdd(i, b_.getInt64(1));
  i->addIncoming(done, body);
  for (int word = 0; word < 4; ++word)
    llvm::cast<llvm::PHINode>(s.counter[word])->addIncoming(next.counter[word], body);
  for (int word = 0; word < 2; ++word)
    llvm::cast<llvm::PHINode>(s.key[word])->addIncoming(next.key[word], body);
  b_.CreateCondBr(b_.CreateICmpULT(done, b_.getInt64(kPhiloxRounds)), body, after);
  b_.SetInsertPoint(after);
  return next;
}

void PhiloxEmitter::run() {
  b_.SetInsertPoint(llvm::BasicBlock::Create(f_.getContext(), "entry", &f_));
  llvm::Value *seed = f_.getArg(0), *step = f_.getArg(1), *block = f_.getArg(2), *stream = f_.getArg(3);
  llvm::Value *wanted = b_.CreateAnd(f_.getArg(4), integer(3));
  State last = loop({{block, high(block), step, stream}, {seed, high(seed)}});
  llvm::Value *result = last.counter[0];
  for (int word = 1; word < 4; ++word)
    result = b_.CreateSelect(b_.CreateICmpEQ(wanted, integer(word)), last.counter[word], result);
  b_.CreateRet(b_.CreateTrunc(result, f_.getReturnType()));
}

} // namespace

llvm::Value *emit_philox(llvm::IRBuilderBase &b, const Target &target, const std::vector<llvm::Value *> &args) {
  llvm::Type *t = args[0]->getType(), *result = b.getInt32Ty();
  unsigned lanes = 1;
  if (auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(t)) {
    lanes = vector->getNumElements();
    result = llvm::FixedVectorType::get(result, lanes);
  }
  llvm::Function *caller = b.GetInsertBlock()->getParent();
  llvm::Module &module = *caller->getParent();
  std::string name = "philox." + std::to_string(lanes) + "." + target.cpu;
  llvm::Function *function = module.getFunction(name);
  if (!function) {
    auto *type = llvm::FunctionType::get(result, std::vector<llvm::Type *>(args.size(), t), false);
    function = llvm::Function::Create(type, llvm::Function::InternalLinkage, name, module);
    function->addFnAttrs(llvm::AttrBuilder(module.getContext(), caller->getAttributes().getFnAttrs()));
    function->setDoesNotAccessMemory(); // so equal calls are made once
    function->setWillReturn();
    PhiloxEmitter(*function).run();
  }
  return b.CreateCall(function, args);
}

} // namespace gradc
