#include "compiler/codegen/emission/shared_function.h"

namespace gradc {

llvm::Function *shared_function(llvm::IRBuilderBase &b, const std::string &name, llvm::FunctionType *type,
                                const std::function<void(llvm::Function &)> &define) {
  const llvm::Function *caller = b.GetInsertBlock()->getParent();
  llvm::Module &module = *b.GetInsertBlock()->getModule();
  // With the model's name: another model's may be of another gradc, or for other features of the same processor.
  const std::string symbol =
      module.getName().str() + "." + name + "." + caller->getFnAttribute("target-cpu").getValueAsString().str();
  if (llvm::Function *function = module.getFunction(symbol))
    return function;
  // Every module has one, of which the linker keeps one.
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
