#include "compiler/engines/jit.h"

#include "compiler/codegen/entries/c_name.h"
#include "ir/error.h"
#include "runtime/core/core.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <llvm/ExecutionEngine/JITLink/EHFrameSupport.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#pragma GCC diagnostic pop

namespace gradc {

struct JitModel::State {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  const gradc_model *table = nullptr;
};

namespace {

template <typename T> T must(llvm::Expected<T> value, const char *what) {
  if (!value)
    throw InternalFault(std::string(what) + ": " + llvm::toString(value.takeError()));
  return std::move(*value);
}

void must(llvm::Error error, const char *what) {
  if (error)
    throw InternalFault(std::string(what) + ": " + llvm::toString(std::move(error)));
}

// The runtime core is part of this process; compiled code calls it by name.
llvm::orc::SymbolMap core_symbols(llvm::orc::LLJIT &jit) {
  llvm::orc::SymbolMap symbols;
  auto add = [&](const char *name, auto *function) {
    symbols[jit.mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(function), llvm::JITSymbolFlags::Exported};
  };
  add("gradc_core_parallel", &gradc_core_parallel);
  add("gradc_core_team_create", &gradc_core_team_create);
  add("gradc_core_team_destroy", &gradc_core_team_destroy);
  add("gradc_core_team_threads", &gradc_core_team_threads);
  add("gradc_core_memory_create", &gradc_core_memory_create);
  add("gradc_core_memory_destroy", &gradc_core_memory_destroy);
  add("gradc_core_first_outside", &gradc_core_first_outside);
  add("gradc_core_first_outside_but", &gradc_core_first_outside_but);
  add("gradc_core_first_outside_domain", &gradc_core_first_outside_domain);
  add("gradc_core_save", &gradc_core_save);
  add("gradc_core_load", &gradc_core_load);
  add("gradc_core_cpu_level", &gradc_core_cpu_level);
  add("gradc_core_status_message", &gradc_core_status_message);
  return symbols;
}

} // namespace

JitModel::JitModel(const CompiledModel &compiled, const Target &lowest) : state_(std::make_unique<State>()) {
  llvm::InitializeNativeTarget(); // code from the cache comes without code generation, which would have done it
  auto link_layer = [](llvm::orc::ExecutionSession &session, const llvm::Triple &) {
    return std::make_unique<llvm::orc::ObjectLinkingLayer>(session);
  };
  state_->jit = must(llvm::orc::LLJITBuilder().setObjectLinkingLayerCreator(link_layer).create(), "starting the JIT");
  llvm::orc::JITDylib &dylib = state_->jit->getMainJITDylib();
  must(dylib.define(llvm::orc::absoluteSymbols(core_symbols(*state_->jit))), "defining the runtime");
  dylib.addGenerator(must(llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
                              state_->jit->getDataLayout().getGlobalPrefix()),
                          "finding libc"));
  for (const std::string &object : compiled.objects)
    must(state_->jit->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(object, compiled.name)), "loading an object");
  auto address = must(state_->jit->lookup(exported_symbol(compiled.name)), "linking the object");
  state_->table = address.toPtr<const gradc_model *()>()();
  if (!state_->table)
    throw Error("this processor lacks instructions of the target '" + lowest.cpu + "'");
}

JitModel::~JitModel() = default;
JitModel::JitModel(JitModel &&) noexcept = default;
JitModel &JitModel::operator=(JitModel &&) noexcept = default;
const gradc_model *JitModel::table() const { return state_->table; }

} // namespace gradc
