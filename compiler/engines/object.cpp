// A model is split into modules of about equal work, which are compiled at the same time. How many there are depends on
// the model alone, so that the objects do not depend on the machine that makes them.
#include "compiler/engines/object.h"

#include "compiler/codegen/assemble.h"
#include "compiler/codegen/emission/emit_kernel.h"
#include "ir/error.h"
#include "ir/text/text.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <llvm/Support/raw_ostream.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <atomic>
#include <bit>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>
#include <time.h>

namespace gradc {
namespace {

constexpr int64_t kWorkOfModule = 2000; // about 20 ms; less is not worth a module of its own
constexpr size_t kMaxModules = 8;

// Processor time of this thread: modules are compiled side by side.
double seconds_used() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::string content_of(const Target &t) {
  return t.cpu + " " + t.features + " " + std::to_string(t.l1_bytes) + " " + std::to_string(t.l2_bytes) + " " + t.schedule.text + "\n";
}

// What the objects are a function of, but for the compiler itself.
std::string content_of(const ModelSpec &spec, const std::vector<Target> &targets, bool profile) {
  std::string text = spec.name + "\n" + spec.signature + "\n";
  for (const auto &[name, value] : spec.hypers)
    text += name + " " + std::to_string(std::bit_cast<uint64_t>(value)) + "\n";
  for (const Target &t : targets)
    text += content_of(t);
  for (const EntrySpec &e : spec.entries)
    text += e.name + " " + std::to_string(e.kind) + " " + std::to_string(e.batch) + "\n" + print(e.graph);
  if (profile)
    text += "profile\n";
  return text;
}

// About the time to compile a kernel, in units of 10 us: something for each loop nest, for each function in the style of
// exp, and for the instructions of a register tile, once more for the smaller tile at each edge.
int64_t estimated_work(const PendingKernel &p) {
  const Kernel &k = p.kernel;
  auto edges = [&](int axis, int64_t step) {
    return axis >= 0 && k.axes[static_cast<size_t>(axis)].extent % step != 0 ? 2 : 1;
  };
  int64_t exprs = static_cast<int64_t>(k.exprs.size()), stages = static_cast<int64_t>(k.stages.size()), work = 100;
  for (const NestSchedule &n : p.schedule.nests) {
    int64_t points = int64_t{n.rows} * n.cols * edges(n.row_axis, n.rows) *
                     edges(n.col_axis, n.is_dot() ? n.cols : int64_t{n.cols} * n.lanes);
    work += 100 + exprs * n.count / stages * points / 2;
  }
  return work + 300 * std::count_if(k.exprs.begin(), k.exprs.end(), [](const Expr &e) {
           return e.kind == Expr::Kind::op && is_expensive(e.op);
         });
}

// Which kernels go into which module: the largest first, each to the module with the least.
using Parts = std::vector<std::vector<const PendingKernel *>>;
Parts split(const std::vector<const PendingKernel *> &kernels, int64_t work_of_entries, size_t max_parts) {
  std::vector<int64_t> work;
  for (const PendingKernel *k : kernels)
    work.push_back(estimated_work(*k));
  int64_t total = std::accumulate(work.begin(), work.end(), work_of_entries);
  std::vector<size_t> order(kernels.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return work[a] > work[b]; });
  // A power of two, as the numbers of cores mostly are: three equal parts take two cores as long as four.
  size_t count = std::bit_floor(std::clamp(static_cast<size_t>(total / kWorkOfModule), size_t{1}, max_parts));
  Parts parts(count);
  std::vector<int64_t> sums(count, 0);
  sums[0] = work_of_entries;
  for (size_t i : order) {
    size_t least = static_cast<size_t>(std::min_element(sums.begin(), sums.end()) - sums.begin());
    parts[least].push_back(kernels[i]);
    sums[least] += work[i];
  }
  return parts;
}

class Compilation {
public:
  Compilation(const ModelSpec &spec, const CodegenOptions &options, std::vector<Target> targets)
      : spec_(spec), options_(options), targets_(std::move(targets)) {}

  std::vector<std::string> run();

private:
  /// A module, with what must not be shared between threads.
  struct Part {
    llvm::LLVMContext context;
    llvm::Module module;
    std::unique_ptr<llvm::TargetMachine> machine;
    std::vector<const PendingKernel *> kernels;
    std::string object;
    std::exception_ptr failure;

    Part(const std::string &name, const Target &target) : module(name, context), machine(make_target_machine(target)) {
      module.setTargetTriple(machine->getTargetTriple().str());
      module.setDataLayout(machine->createDataLayout());
    }
  };
  template <typename Work> void timed(std::string_view stage, Work work);
  void compile(Part &);
  void compile_all(std::vector<std::unique_ptr<Part>> &);

  const ModelSpec &spec_;
  const CodegenOptions &options_;
  const std::vector<Target> targets_;
  std::mutex reporting_;
};

template <typename Work> void Compilation::timed(std::string_view stage, Work work) {
  double start = seconds_used();
  work();
  double seconds = seconds_used() - start;
  std::lock_guard lock(reporting_);
  if (options_.on_time)
    options_.on_time(stage, seconds);
}

void Compilation::compile(Part &part) {
  timed("emit LLVM IR", [&] {
    for (const PendingKernel *k : part.kernels)
      emit_kernel(part.module, k->symbol, k->kernel, k->places, k->schedule, *k->target);
  });
  if (options_.on_llvm) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    part.module.print(stream, nullptr);
    options_.on_llvm(stream.str());
  }
  timed("LLVM passes", [&] {
    verify_module(part.module);
    optimize_module(part.module, *part.machine);
  });
  if (options_.on_asm) {
    options_.on_asm(assemble_module(part.module, *part.machine, llvm::CodeGenFileType::AssemblyFile));
    return;
  }
  timed("LLVM codegen",
        [&] { part.object = assemble_module(part.module, *part.machine, llvm::CodeGenFileType::ObjectFile); });
}

// Every thread takes the next part that none has taken.
void Compilation::compile_all(std::vector<std::unique_ptr<Part>> &parts) {
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i; (i = next++) < parts.size();)
      try {
        compile(*parts[i]);
      } catch (...) {
        parts[i]->failure = std::current_exception();
      }
  };
  {
    std::vector<std::jthread> threads;
    size_t cores = std::max(1u, std::thread::hardware_concurrency());
    for (size_t i = 1; i < std::min(parts.size(), cores); ++i)
      threads.emplace_back(work);
    work();
  }
  for (const auto &part : parts)
    if (part->failure)
      std::rethrow_exception(part->failure);
}

// All that the code of kernels is a function of, but for the compiler itself.
std::string content_of(const std::vector<const PendingKernel *> &kernels) {
  std::string text = "kernels\n";
  for (const PendingKernel *k : kernels)
    text += k->symbol + "\n" + content_of(*k->target) + k->text + "\n";
  return text;
}

// The kernels come from the cache where it is used and has them. The table and the entries are a module of their own then, with the
// kernels of the schedule: so another rate or schedule compiles only that.
std::vector<std::string> Compilation::run() {
  auto new_part = [&] { return std::make_unique<Part>(spec_.name, targets_[0]); };
  std::vector<std::unique_ptr<Part>> parts;
  parts.push_back(new_part());
  std::vector<PendingKernel> kernels;
  timed("emit LLVM IR", [&] { kernels = emit_model(parts[0]->module, spec_, targets_, options_.profile); });
  const bool whole = options_.on_llvm || options_.on_asm; // text is of one module
  const bool apart = options_.cache && !whole;
  std::vector<const PendingKernel *> shared;
  for (const PendingKernel &k : kernels)
    (apart && k.of_schedule ? parts[0]->kernels : shared).push_back(&k);
  const std::string key = apart && !shared.empty() ? object_key(content_of(shared)) : "";
  std::vector<std::string> objects;
  if (!key.empty())
    objects = options_.cache->load(key).value_or(objects);
  const bool known = !objects.empty();
  if (!key.empty() && options_.on_time)
    options_.on_time(known ? "cache hit of kernels" : "cache miss of kernels", 0);
  if (!known) {
    const auto modules = split(shared, apart ? 0 : static_cast<int64_t>(kernels.size()) * 10, whole ? 1 : kMaxModules);
    for (size_t i = 0; i < modules.size(); ++i) {
      if (apart || i > 0)
        parts.push_back(new_part());
      parts.back()->kernels = modules[i];
    }
  }
  compile_all(parts);
  for (size_t i = apart ? 1 : 0; i < parts.size(); ++i)
    objects.push_back(std::move(parts[i]->object));
  if (!key.empty() && !known)
    options_.cache->store(key, objects);
  if (apart)
    objects.push_back(std::move(parts[0]->object));
  return objects;
}

// What is compiled under a key: first the plan of each entry, then the objects.
std::vector<std::string> parts_of(const CompiledModel &compiled) {
  std::vector<std::string> parts = compiled.plans;
  parts.insert(parts.end(), compiled.objects.begin(), compiled.objects.end());
  return parts;
}

std::optional<CompiledModel> from_parts(const ModelSpec &spec, std::optional<std::vector<std::string>> parts) {
  if (!parts || parts->size() < spec.entries.size())
    return std::nullopt;
  const auto middle = std::make_move_iterator(parts->begin() + static_cast<std::ptrdiff_t>(spec.entries.size()));
  return CompiledModel{spec.name, {middle, std::make_move_iterator(parts->end())}, {std::make_move_iterator(parts->begin()), middle}};
}

CompiledModel compile_anew(ModelSpec spec, const CodegenOptions &options, std::vector<Target> targets) {
  CompiledModel compiled{spec.name, {}, {}};
  for (EntrySpec &entry : spec.entries) {
    if (!entry.graph.plan)
      run_passes(entry.graph, options.passes);
    require(entry.graph, Milestone::planned, "the code of '" + entry.name + "'");
    compiled.plans.push_back(print(entry.graph));
  }
  compiled.objects = Compilation(spec, options, std::move(targets)).run();
  return compiled;
}

} // namespace

CompiledModel compile_model(const ModelSpec &spec, const CodegenOptions &options) {
  std::vector<Target> targets = {options.target};
  targets.insert(targets.end(), options.higher.begin(), options.higher.end());
  std::string key;
  if (options.cache && options.passes.only_result() && !options.on_llvm && !options.on_asm) {
    double start = seconds_used();
    key = object_key(content_of(spec, targets, options.profile));
    std::optional<CompiledModel> known;
    if (!key.empty())
      known = from_parts(spec, options.cache->load(key));
    if (options.on_time)
      options.on_time(known ? "cache hit" : "cache miss", seconds_used() - start);
    if (known)
      return std::move(*known);
  }
  CompiledModel compiled = compile_anew(spec, options, std::move(targets));
  if (!key.empty())
    options.cache->store(key, parts_of(compiled));
  return compiled;
}

std::vector<std::string> compile_objects(const ModelSpec &spec, const CodegenOptions &options) {
  return compile_model(spec, options).objects;
}

ModelSpec with_plans(ModelSpec spec, const CompiledModel &compiled) {
  for (size_t i = 0; i < spec.entries.size(); ++i)
    if (!spec.entries[i].graph.plan)
      spec.entries[i].graph = parse_graph(compiled.plans.at(i));
  return spec;
}

} // namespace gradc
