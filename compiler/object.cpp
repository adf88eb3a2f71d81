#include "compiler/object.h"

#include "ir/error.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#pragma GCC diagnostic pop

#include <chrono>

namespace gradc {
namespace {

// Kernels are tiled and vectorized already: what is left is to put accumulators into registers and tidy addresses.
void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
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
  passes.addPass(llvm::EarlyCSEPass(true));
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), true));
  for (llvm::Function &f : module)
    if (!f.isDeclaration())
      passes.run(f, functions);
}

std::string assemble(llvm::Module &module, llvm::TargetMachine &machine, llvm::CodeGenFileType type) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  internal_check(!machine.addPassesToEmitFile(passes, stream, nullptr, type), "the target cannot emit objects");
  passes.run(module);
  return std::string(bytes.data(), bytes.size());
}

} // namespace

std::unique_ptr<llvm::MemoryBuffer> compile_object(const ModelSpec &spec, const CodegenOptions &options) {
  using Clock = std::chrono::steady_clock;
  auto timed = [&](std::string_view stage, auto work) {
    auto start = Clock::now();
    work();
    if (options.on_time)
      options.on_time(stage, std::chrono::duration<double>(Clock::now() - start).count());
  };
  llvm::LLVMContext context;
  llvm::Module module(spec.name, context);
  std::unique_ptr<llvm::TargetMachine> machine = make_target_machine(options.target);
  module.setTargetTriple(machine->getTargetTriple().str());
  module.setDataLayout(machine->createDataLayout());
  timed("emit LLVM IR", [&] { emit_model(module, spec, options.target); });
  if (options.on_llvm) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    module.print(stream, nullptr);
    options.on_llvm(stream.str());
  }
  std::string broken;
  llvm::raw_string_ostream stream(broken);
  if (llvm::verifyModule(module, &stream))
    throw InternalFault("code generation made malformed LLVM IR: " + stream.str());
  timed("LLVM passes", [&] { optimize(module, *machine); });
  if (options.on_asm)
    options.on_asm(assemble(module, *machine, llvm::CodeGenFileType::AssemblyFile));
  std::string object;
  timed("LLVM codegen", [&] { object = assemble(module, *machine, llvm::CodeGenFileType::ObjectFile); });
  return llvm::MemoryBuffer::getMemBufferCopy(object, spec.name + ".o");
}

} // namespace gradc
