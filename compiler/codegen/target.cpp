#include "compiler/codegen/target.h"

#include "compiler/codegen/llvm.h"
#include "ir/error.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/TargetParser/Host.h>

#include <algorithm>
#include <unistd.h>

namespace gradc {
namespace {

// The levels of the x86-64 psABI, and the features each adds to the one before.
constexpr const char *kLevels[] = {"x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
constexpr const char *kAdded[] = {"+sse2", "+cx16,+sahf,+popcnt,+sse3,+sse4.1,+sse4.2,+ssse3",
                                  "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+xsave",
                                  "+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl"};

void derive(Target &t) {
  llvm::SmallVector<llvm::StringRef> features;
  llvm::StringRef(t.features).split(features, ',');
  auto has = [&](llvm::StringRef feature) { return llvm::is_contained(features, feature); };
  t.fma = has("+fma");
  bool wide = has("+avx512f") && has("+avx512vl") && has("+avx512bw") && has("+avx512dq");
  t.vector_bits = wide ? 512 : has("+avx2") ? 256 : 128;
  t.vector_registers = wide ? 32 : 16;
  auto has_all = [&](llvm::StringRef list) {
    llvm::SmallVector<llvm::StringRef> needed;
    list.split(needed, ',');
    return llvm::all_of(needed, has);
  };
  for (t.level = 1; t.level < 4 && has_all(kAdded[t.level]);)
    ++t.level;
}

int64_t cache_bytes(int name, int64_t fallback) {
  long bytes = sysconf(name);
  return bytes > 0 ? bytes : fallback;
}

} // namespace

Target host_target() {
  Target t;
  t.cpu = llvm::sys::getHostCPUName().str();
  for (const auto &feature : llvm::sys::getHostCPUFeatures()) {
    if (!t.features.empty())
      t.features += ",";
    t.features += (feature.second ? "+" : "-") + feature.first().str();
  }
  t.l1_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, t.l1_bytes);
  t.l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, t.l2_bytes);
  derive(t);
  return t;
}

Target parse_target(const std::string &name) {
  if (name == "native")
    return host_target();
  Target t;
  t.cpu = name;
  bool known = false;
  for (int level = 0; level < 4 && !known; ++level) {
    t.features += std::string(level ? "," : "") + kAdded[level];
    known = name == kLevels[level];
  }
  if (!known)
    throw Error("unknown target '" + name + "'; expected native, x86-64, x86-64-v2, x86-64-v3 or x86-64-v4");
  derive(t);
  return t;
}

std::vector<Target> parse_targets(const std::string &names) {
  llvm::SmallVector<llvm::StringRef> list;
  llvm::StringRef(names).split(list, ',');
  std::vector<Target> targets;
  for (llvm::StringRef name : list) {
    if (name == "native" && list.size() > 1)
      throw Error("target 'native' stands alone: what it means differs from machine to machine");
    targets.push_back(parse_target(name.str()));
  }
  std::sort(targets.begin(), targets.end(), [](const Target &a, const Target &b) { return a.level < b.level; });
  for (size_t i = 1; i < targets.size(); ++i)
    if (targets[i].level == targets[i - 1].level)
      throw Error("target '" + targets[i].cpu + "' is given twice");
  return targets;
}

void set_target(llvm::Function &function, const Target &target) {
  function.addFnAttr("prefer-vector-width", std::to_string(target.vector_bits));
  function.addFnAttr("min-legal-vector-width", std::to_string(target.vector_bits));
  function.addFnAttr("target-cpu", target.cpu);
  function.addFnAttr("target-features", target.features);
}

// Kernels come with their loops and addresses as they should be: strength reduction and a second scheduling of
// instructions cost compile time and changed the median step by a few percent either way. The innermost loops begin with a
// line of the instruction cache: where they fall otherwise is chance, and worth 3% of a step (Zen 3). LLVM has no other way
// to say so than its options, which are of the whole process; a run of lld resets them.
static void set_options() {
  auto &options = llvm::cl::getRegisteredOptions();
  for (const auto &[name, value] : {std::pair("disable-lsr", "true"), {"disable-post-ra", "true"},
                                    {"x86-experimental-pref-innermost-loop-alignment", "6"}}) // 2^6 bytes
    if (auto option = options.find(name); option != options.end() && option->second->getNumOccurrences() == 0)
      option->second->addOccurrence(1, name, value);
}

std::unique_ptr<llvm::TargetMachine> make_target_machine(const Target &t) {
  static const bool ready = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)ready;
  set_options();
  const std::string triple = "x86_64-unknown-linux-gnu";
  std::string message;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, message);
  internal_check(target, "LLVM has no x86-64 target: " + message);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, t.cpu, t.features, options, llvm::Reloc::PIC_, llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default));
}

} // namespace gradc
