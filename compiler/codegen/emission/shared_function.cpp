#include "compiler/codegen/emission/shared_function.h"

namespace gradc {

llvm::Function *shared_function(llvm::IRBuilderBase &b, const std::string &name, llvm::FunctionType *type,
                                const std::function<void(llvm::Function &)> &define) {
  const llvm::Function *caller = b.GetInsertBlock()->getParent();
  llvm::Module &module = *b.GetInsertBlock()->getModule();
  // The name includes the model's: a function of the same name in another model may have been made by another version
  // of gradc, or for other features of the processor.
  const std::string symbol =
      module.getName().str() + "." + name + "." + caller->getFnAttribute("target-cpu").getValueAsString().str();
  if (llvm::Function *function = module.getFunction(symbol))
    return function;
  // Every module that uses the function has a copy, and the linker keeps one of them.
  auto *function = llvm::Function::Create(type, llvm::Function::LinkOnceODRLinkage, symbol, module);
  function->setVisibility(llvm::Function::HiddenVisibility);
  function->setComdat(module.getOrInsertComdat(symbol));
  function->addFnAttrs(llvm::AttrBuilder(module.getContext(), caller->getAttributes().getFnAttrs()));
  llvm::IRBuilderBase::InsertPointGuard guard(b);
  b.SetInsertPoint(llvm::BasicBlock::Create(module.getContext(), "entry", function));
  define(*function);
  return function;
}

} // namespace gradc
