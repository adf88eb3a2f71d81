#include "compiler/codegen/emission/emit_loop.h"

namespace gradc {

void emit_loop(llvm::IRBuilderBase &b, llvm::Value *begin, llvm::Value *end, int64_t step,
               const std::function<void(llvm::Value *)> &body) {
  auto *before = b.GetInsertBlock();
  auto *block = llvm::BasicBlock::Create(b.getContext(), "loop", before->getParent());
  auto *exit = llvm::BasicBlock::Create(b.getContext(), "exit", before->getParent());
  b.CreateCondBr(b.CreateICmpSLT(begin, end), block, exit);
  b.SetInsertPoint(block);
  auto *i = b.CreatePHI(b.getInt64Ty(), 2, "i");
  i->addIncoming(begin, before);
  body(i);
  llvm::Value *next = b.CreateNSWAdd(i, b.getInt64(static_cast<uint64_t>(step)));
  i->addIncoming(next, b.GetInsertBlock());
  b.CreateCondBr(b.CreateICmpSLT(next, end), block, exit);
  b.SetInsertPoint(exit);
}

void emit_if(llvm::IRBuilderBase &b, llvm::Value *condition, const std::function<void()> &body) {
  llvm::Function *function = b.GetInsertBlock()->getParent();
  auto *then = llvm::BasicBlock::Create(b.getContext(), "then", function);
  auto *next = llvm::BasicBlock::Create(b.getContext(), "next", function);
  b.CreateCondBr(condition, then, next);
  b.SetInsertPoint(then);
  body();
  b.CreateBr(next);
  b.SetInsertPoint(next);
}

} // namespace gradc
