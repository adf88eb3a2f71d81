// What LLVM is told about the pointers of padded loads: a vector may begin before its tensor, or end behind it, in lanes
// that nobody reads.
#include "compiler/codegen/emission/emit_kernel.h"
#include "compiler/codegen/schedules/loop_schedule.h"
#include "compiler/codegen/target.h"

#include <catch2/catch.hpp>

using namespace gradc;

namespace {

// Of the address computations that begin at this parameter: all, and those said to stay in bounds.
struct Addresses {
  int all = 0, inbounds = 0;
};

Addresses addresses_of(const std::string &param, const std::string &text) {
  const Kernel kernel = parse_kernel(text);
  const Target target = parse_target("x86-64-v3");
  llvm::LLVMContext context;
  llvm::Module module("test", context);
  emit_kernel(module, "k", kernel, {0, 1, 2}, schedule_loops(kernel, target), target);
  Addresses found;
  for (const llvm::BasicBlock &block : *module.getFunction("k"))
    for (const llvm::Instruction &instruction : block) {
      const auto *address = llvm::dyn_cast<llvm::GetElementPtrInst>(&instruction);
      const llvm::Value *base = address;
      while (const auto *outer = base ? llvm::dyn_cast<llvm::GetElementPtrInst>(base) : nullptr)
        base = outer->getPointerOperand();
      if (base && base->getName() == param) {
        ++found.all;
        found.inbounds += address->isInBounds();
      }
    }
  return found;
}

} // namespace

TEST_CASE("only what surely lies in its tensor is said to be in bounds") {
  for (const char *index : {"i-3", "2*i-3", "(t[i])"}) {
    INFO(index);
    const std::string text = "kernel k { axes i:64 params x:f32[64] y:f32[64] out t:i64[64] y[i] = s(i) = x[" +
                             std::string(index) + "] pad 0 }";
    const Addresses padded = addresses_of("x", text), stored = addresses_of("y", text);
    CHECK(padded.all > 0);
    CHECK(padded.inbounds == 0);
    CHECK(stored.inbounds == stored.all);
  }
}
