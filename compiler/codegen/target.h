// The machine to generate code for: what decides vector width, register tiles and fused multiply-add.
#pragma once

#include "compiler/codegen/schedules/schedule_override.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace llvm {
class Function;
class TargetMachine;
}

namespace gradc {

constexpr int64_t kCacheLine = 64; // bytes

struct Target {
  std::string cpu = "x86-64"; // LLVM's name; only scheduling models depend on it
  std::string features;       // LLVM's list, "+avx2,+fma,..."
  int level = 1;              // of the x86-64 psABI: what a processor must have at least to run the code
  int vector_bits = 128;
  int vector_registers = 16;
  bool fma = false;
  int64_t l1_bytes = 32 << 10;
  int64_t l2_bytes = 512 << 10;
  ScheduleOverride schedule;

  int lanes(int element_bytes) const { return vector_bits / 8 / element_bytes; }
};

/// The machine this runs on. Trusts its features, not its reported name.
Target host_target();
/// "native", or a level of the x86-64 psABI: "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4". Throws Error otherwise.
Target parse_target(const std::string &name);
/// One or more of them, separated by commas, in ascending order of their levels. Throws Error; native stands alone.
std::vector<Target> parse_targets(const std::string &names);

/// What a function of a module is compiled for. All functions of one target should say so alike: what LLVM derives from
/// it is costly, and made once for each variant.
void set_target(llvm::Function &, const Target &);

/// Position-independent, fit for JIT and shared objects alike, so both produce the same code.
std::unique_ptr<llvm::TargetMachine> make_target_machine(const Target &);

} // namespace gradc
