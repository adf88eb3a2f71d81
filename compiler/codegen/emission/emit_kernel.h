// A scheduled kernel as one LLVM function.
#pragma once

#include "compiler/codegen/llvm.h"
#include "compiler/codegen/schedules/loop_schedule.h"

namespace gradc {

/// `void name(ptr args, ptr scratch, i64 begin, i64 end)`, which may be emitted in another module of the same object.
llvm::Function *declare_kernel(llvm::Module &, const std::string &name);

/// Emits the body: args[places[i]] points to parameter i of the kernel; runs iterations [begin, end) of the schedule's
/// outermost loop. Disjoint ranges may run at the same time, each with a scratch of its own: local_memory says how large.
llvm::Function *emit_kernel(llvm::Module &, const std::string &name, const Kernel &, const std::vector<size_t> &places,
                            const LoopSchedule &, const Target &);

} // namespace gradc
