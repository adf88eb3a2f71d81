// The beginning of an entry point: it refuses what it cannot run, and finds where everything lies.
#pragma once

#include "compiler/codegen/entries/emit_model.h"

#include <map>

namespace gradc {

/// Where a call has the pointer to an input or output.
struct PointerPlace {
  size_t array; // of `inputs` or `outputs` in gradc_call
  int64_t index;
};

/// What the addresses of an entry's values start from. As few of them as possible are values of LLVM, which would lie on
/// the stack: a model may have thousands of inputs.
struct CallBases {
  llvm::Value *call = nullptr, *team = nullptr;
  llvm::Value *hypers = nullptr;          // the defaults where the call has none
  std::map<int, llvm::Value *> arenas;    // by number, those that are used
  std::map<Value, PointerPlace> pointers; // of inputs that are read, and of what is returned
};

llvm::Value *load_pointer(llvm::IRBuilder<> &, llvm::Value *call, const PointerPlace &);

/// Branches to a block that returns `status` unless the condition holds.
void emit_require(llvm::IRBuilder<> &, llvm::Value *condition, int32_t status);

/// Emits the checks of `call` for an entry with this planned graph, all of them: behind them nothing is refused. With
/// `scratch` the threads' part of the workspace is used whether the plan needs the workspace or not.
CallBases emit_checks(llvm::IRBuilder<> &, llvm::Value *call, const Graph &, llvm::Constant *hyper_defaults, bool scratch);

} // namespace gradc
