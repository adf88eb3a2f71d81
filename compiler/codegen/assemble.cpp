#include "compiler/codegen/assemble.h"

#include "ir/error.h"
#include "runtime/gradc.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
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

// An entry, a run of kernels, a kernel and a function of it lie on the stack at once, beside gradc_core_parallel.
constexpr int64_t kMostFrameBytes = 14 << 10;
static_assert(4 * kMostFrameBytes <= GRADC_STACK_BYTES - (4 << 10));

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

// What LLVM tells while it makes code: a frame that is larger than kMostFrameBytes, or what it cannot do.
class CodegenReports {
public:
  explicit CodegenReports(llvm::Module &module) : context_(module.getContext()) {
    for (llvm::Function &f : module)
      if (!f.isDeclaration())
        f.addFnAttr("warn-stack-size", std::to_string(kMostFrameBytes));
    context_.setDiagnosticHandlerCallBack(note, this);
  }
  ~CodegenReports() { context_.setDiagnosticHandlerCallBack(nullptr); }
  CodegenReports(const CodegenReports &) = delete;

  void check() const {
    internal_check(failure_.empty(), "LLVM: " + failure_);
    if (!large_frame_.empty())
      throw Error(large_frame_ + " bytes of the stack, and " + std::to_string(kMostFrameBytes) +
                  " are the limit: a layer reads too many others; join them in several steps");
  }

private:
  static void note(const llvm::DiagnosticInfo *info, void *self) {
    auto &reports = *static_cast<CodegenReports *>(self);
    if (const auto *frame = llvm::dyn_cast<llvm::DiagnosticInfoStackSize>(info)) {
      reports.large_frame_ = "'" + frame->getFunction().getName().str() + "' takes " + std::to_string(frame->getStackSize());
    } else if (info->getSeverity() == llvm::DS_Error) {
      llvm::raw_string_ostream stream(reports.failure_);
      llvm::DiagnosticPrinterRawOStream printer(stream);
      info->print(printer);
    }
  }

  llvm::LLVMContext &context_;
  std::string large_frame_, failure_;
};

std::string assemble_module(llvm::Module &module, llvm::TargetMachine &machine, llvm::CodeGenFileType type) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  bool unsupported = machine.addPassesToEmitFile(passes, stream, nullptr, type, /*DisableVerify=*/true);
  internal_check(!unsupported, "the target cannot emit objects");
  const CodegenReports reports(module);
  passes.run(module);
  reports.check();
  return std::string(bytes.data(), bytes.size());
}

} // namespace gradc
