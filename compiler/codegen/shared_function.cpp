#include "compiler/codegen/shared_function.h"

namespace gradc {

llvm::Function *shared_function(llvm::IRBuilderBase &b, const std::string &name, llvm::FunctionType *type,
                                const std::function<void(llvm::Function &)> &define) {
  const llvm::Function *caller = b.GetInsertBlock()->getParent();
  llvm::Module &module = *b.GetInsertBlock()->getModule();
  const std::string symbol = name + "." + caller->getFnAttribute("target-cpu").getValueAsString().str();
  if (llvm::Function *function = module.getFunction(symbol))
    return function;
  auto *function = llvm::Function::Create(type, llvm::Function::LinkOnceODRLinkage, symbol, module); // of all modules, one stays
  function->setVisibility(llvm::Function::HiddenVisibility);
  function->setComdat(module.getOrInsertComdat(symbol));
  function->addFnAttrs(llvm::AttrBuilder(module.getContext(), caller->getAttributes().getFnAttrs()));
  llvm::IRBuilderBase::InsertPointGuard guard(b);
  define(*function);
  return function;
}

} // namespace gradc
