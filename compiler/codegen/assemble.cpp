#include "compiler/codegen/assemble.h"

#include "ir/error.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#pragma GCC diagnostic pop

namespace gradc {

void verify_module(const llvm::Module &module) {
  std::string broken;
  llvm::raw_string_ostream stream(broken);
  if (llvm::verifyModule(module, &stream))
    throw InternalFault("code generation made malformed LLVM IR: " + stream.str());
}

void optimize_module(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::EarlyCSEPass());
  passes.addPass(llvm::SimplifyCFGPass());
  // Loads leave only loops that store nothing: to ask of each which stores it may cross takes five times as long, and what
  // matters is at the kernel's entry already.
  const llvm::LICMOptions ask_nothing(/*LicmMssaOptCap=*/0, /*LicmMssaNoAccForPromotionCap=*/0, /*AllowSpeculation=*/true);
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(ask_nothing), true));
  for (llvm::Function &f : module)
    if (!f.isDeclaration())
      passes.run(f, functions);
}

std::string assemble_module(llvm::Module &module, llvm::TargetMachine &machine, llvm::CodeGenFileType type) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  bool unsupported = machine.addPassesToEmitFile(passes, stream, nullptr, type, /*DisableVerify=*/true);
  internal_check(!unsupported, "the target cannot emit objects");
  passes.run(module);
  return std::string(bytes.data(), bytes.size());
}

} // namespace gradc
