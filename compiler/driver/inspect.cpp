// gradc inspect, gradc opt: every stage of a model or of IR text, as text that can be fed back.
#include "compiler/driver/common.h"

#include "compiler/driver/rates.h"

#include "compiler/codegen/entries/emit_entry.h"
#include "compiler/codegen/entries/model_table.h"
#include "compiler/codegen/schedules/parallel_runs.h"
#include "compiler/reports/dot.h"
#include "compiler/reports/plan_view.h"
#include "ir/error.h"
#include "ir/lowering/lower.h"
#include "ir/op.h"
#include "ir/suggest.h"
#include "ir/text/text.h"
#include "ir/verifier.h"
#include "passes/fuse.h"
#include "runtime/train/io/console.h"

#include <fmt/format.h>
#include <llvm/Support/MemoryBuffer.h>

namespace gradc::driver {
namespace {

enum class Emit : uint8_t { forward, graph, fused, plan, plan_svg, kernels, schedule, llvm, assembly, dot };

/// What --emit may name, the last pass that runs before it is shown (none: no pass unless others are asked for), and how far
/// the graph must have come then.
struct Stage {
  std::string name;
  Emit emit;
  std::string last_pass;
  Milestone needs = Milestone::none;
  void require(const Graph &graph) const { gradc::require(graph, needs, "--emit=" + name); }
};
const std::vector<Stage> kStages = {{"graph", Emit::forward, ""},
                                    {"backward", Emit::graph, ""},
                                    {"optimized", Emit::graph, "dce"},
                                    {"fused", Emit::fused, "fuse"},
                                    {"ordered", Emit::graph, "order"},
                                    {"plan", Emit::plan, "plan", Milestone::planned},
                                    {"plan-svg", Emit::plan_svg, "plan", Milestone::planned},
                                    {"kernels", Emit::kernels, "plan", Milestone::fused},
                                    {"schedule", Emit::schedule, "plan", Milestone::fused},
                                    {"llvm", Emit::llvm, "plan", Milestone::planned},
                                    {"asm", Emit::assembly, "plan", Milestone::planned},
                                    {"dot", Emit::dot, ""}};

const Stage &find_stage(std::string_view name) {
  return *std::find_if(kStages.begin(), kStages.end(), [&](const Stage &s) { return s.name == name; });
}

std::vector<std::string> stage_names() {
  std::vector<std::string> names;
  for (const Stage &stage : kStages)
    names.push_back(stage.name);
  return names;
}

// A kernel in index notation under its loop schedule, with what else was considered if asked for.
std::string kernel_text(const Kernel &kernel, const LoopSchedule &schedule, Emit emit) {
  std::string text, lines = print(schedule, kernel, emit == Emit::schedule);
  for (size_t at = 0; at < lines.size();) {
    size_t end = lines.find('\n', at);
    text += "// " + lines.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return text + print(kernel) + "\n";
}

// For the first kernel of a run that threads share out: all of it.
std::vector<std::string> fork_notes(const std::vector<ParallelRun> &runs, const std::vector<LoweredKernel> &kernels) {
  std::vector<std::string> notes(kernels.size());
  for (const ParallelRun &run : runs) {
    if (!run.forks)
      continue;
    for (size_t k = run.first; k < run.first + run.count; ++k)
      notes[run.first] += " " + kernels[k].kernel.name;
    notes[run.first] = "// one fork:" + notes[run.first] + "\n";
  }
  return notes;
}

std::string kernels_text(const Graph &graph, const Target &target, Emit emit, SumOrder sums) {
  std::string text;
  const std::vector<std::string> names = value_names(graph);
  const std::vector<LoweredKernel> kernels = called_kernels(graph);
  std::vector<LoopSchedule> schedules;
  for (const LoweredKernel &lowered : kernels)
    schedules.push_back(schedule_loops(lowered.kernel, target, sums));
  std::vector<std::string> notes(kernels.size());
  if (graph.plan)
    notes = fork_notes(parallel_runs(graph, kernels, schedules, target), kernels);
  for (size_t k = 0; k < kernels.size(); ++k) {
    text += notes[k];
    for (size_t i = 0; i < kernels[k].values.size(); ++i)
      text += fmt::format("// {} is {}\n", kernels[k].kernel.params[i].name, names[kernels[k].values[i]]);
    text += kernel_text(kernels[k].kernel, schedules[k], emit);
  }
  return text;
}

// Below a fused graph: which kernels stay apart, and why.
std::string apart_text(const Graph &graph) {
  const std::vector<std::string> names = value_names(graph);
  std::string text;
  for (const Apart &a : kernels_apart(graph))
    text += fmt::format("// kernel {} hands {} to kernel {}: {}\n", a.producer, names[a.value], a.consumer, a.reason);
  return text;
}

// LLVM IR or assembly of one entry.
std::string code_text(const ModelSpec &spec, Emit emit, CodegenOptions codegen) {
  std::string text;
  (emit == Emit::assembly ? codegen.on_asm : codegen.on_llvm) = [&](const std::string &t) { text = t; };
  compile_objects(spec, codegen);
  return text;
}

// No stages of the program: the model file as it was understood, and what its schedules make.
constexpr const char *kModel = "model", *kRates = "learning-rate";

struct InspectCommand {
  ModelFlags model;
  PassFlags passes;
  std::string emit = "graph", entry = "train_step", output;
  int64_t batch = 0, steps = 0;

  void run();
};

void InspectCommand::run() {
  if (emit != kRates && (!output.empty() || steps > 0))
    throw CLI::ValidationError(output.empty() ? "--steps" : "--output", fmt::format("goes with --emit={} alone", kRates));
  Model loaded = load_or_report(model);
  if (emit == kRates)
    return draw_rates(loaded, steps, output);
  if (emit == kModel)
    return runtime::print(to_text(loaded.document, 2) + "\n");
  Entry which = *parse_entry(entry);
  int64_t examples = !takes_examples(which) ? 0 : batch > 0 ? batch : loaded.batch_size;
  RunOptions options = passes.resolved();
  const Stage &stage = find_stage(emit);
  with_locations(loaded, [&] {
    Graph graph = stage.emit == Emit::forward
                      ? build_forward(loaded, examples > 0 ? examples : loaded.batch_size, model.float_dtype())
                      : build_graph(loaded, which, examples, model.float_dtype());
    if (options.stop_after.empty())
      options.stop_after = stage.last_pass;
    if (!options.stop_after.empty())
      run_passes(graph, options);
    stage.require(graph);
    auto code = [&] {
      ModelSpec spec = build_model(loaded, {}, model.float_dtype(), options);
      spec.entries.push_back(entry_spec(which, examples, std::move(graph)));
      return code_text(spec, stage.emit, passes.codegen(model.target));
    };
    switch (stage.emit) {
    case Emit::forward:
    case Emit::graph: runtime::print(print(graph)); break;
    case Emit::fused: runtime::print(print(graph) + apart_text(graph)); break;
    case Emit::plan:
      runtime::print(print(graph) +
                     plan_text(graph, thread_bytes(called_kernels(graph), passes.target(model.target), sum_order(which)),
                               place_names(loaded)));
      break;
    case Emit::plan_svg: runtime::print(plan_svg(graph, place_names(loaded))); break;
    case Emit::kernels:
    case Emit::schedule: runtime::print(kernels_text(graph, passes.target(model.target), stage.emit, sum_order(which))); break;
    case Emit::llvm:
    case Emit::assembly: runtime::print(code()); break;
    case Emit::dot: runtime::print(to_dot(graph, place_names(loaded))); break;
    }
  });
  passes.finish();
}

// Turns an offset in IR text into the usual caret message.
[[noreturn]] void report_text_error(const std::string &path, std::string text, const TextError &error) {
  Diagnostics diagnostics;
  uint32_t source = diagnostics.add_source(path == "-" ? "<stdin>" : path, std::move(text));
  uint32_t offset = static_cast<uint32_t>(error.offset);
  diagnostics.error(Span{source, offset, offset + 1}, error.what());
  runtime::tell(diagnostics.render());
  throw Reported{};
}

// Is it the kernel form, not the graph form? Comments may come first.
bool starts_with_kernel(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    if (!line.empty() && !line.starts_with("//") && !line.starts_with("#"))
      return line.starts_with("kernel ");
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return false;
}

struct OptCommand {
  std::string path = "-", emit = "graph", target = "native";
  std::vector<std::string> passes;
  PassFlags flags;

  void run();
  std::string code_of(Graph graph, Emit);
};

std::string OptCommand::code_of(Graph graph, Emit what) {
  ModelSpec spec;
  spec.name = "opt", spec.signature = "{}";
  for (const Node &node : graph.nodes)
    if (node.role == Role::scalar && call_field(node.name) == CallField::hyper)
      spec.hypers.emplace_back(node.name, 0.0);
  spec.entries.push_back({"run", 0, std::move(graph)});
  return code_text(spec, what, flags.codegen(target));
}

void OptCommand::run() {
  const Stage &stage = find_stage(emit);
  const Emit what = stage.emit;
  std::string text = read_text(path);
  Graph graph;
  try {
    if (starts_with_kernel(text)) {
      for (const Kernel &kernel : parse_kernels(text))
        runtime::print(kernel_text(kernel, schedule_loops(kernel, flags.target(target)), what));
      return;
    }
    graph = parse_graph(text);
    verify(graph);
  } catch (const TextError &error) {
    report_text_error(path, text, error);
  } catch (const VerifyError &error) {
    throw Error(path + ": " + error.what());
  }
  RunOptions options = flags.resolved();
  std::vector<Pass> chosen;
  for (const std::string &name : passes) {
    const Pass *pass = find_pass(name);
    if (!pass) {
      std::string known;
      for (const Pass &p : pipeline())
        known += (known.empty() ? "" : ", ") + std::string(p.name);
      throw Error("unknown pass '" + name + "'; there are " + known);
    }
    chosen.push_back(*pass);
  }
  if (passes.empty())
    chosen.assign(pipeline().begin(), pipeline().end());
  run_passes(graph, chosen, options);
  stage.require(graph);
  switch (what) {
  case Emit::kernels:
  case Emit::schedule: runtime::print(kernels_text(graph, flags.target(target), what, SumOrder::fast)); break;
  case Emit::dot: runtime::print(to_dot(graph)); break;
  case Emit::llvm:
  case Emit::assembly: runtime::print(code_of(std::move(graph), what)); break;
  default: runtime::print(print(graph));
  }
  flags.finish();
}

} // namespace

void add_inspect(CLI::App &app) {
  CLI::App *sub = app.add_subcommand("inspect", "Show a model at any stage of compilation");
  sub->footer("Examples:\n"
              "  gradc inspect model.json                                # forward graph and loss\n"
              "  gradc inspect model.json --emit=plan --batch-size 128   # kernels, offsets, live ranges\n"
              "  gradc inspect model.json --emit=fused | gradc opt --passes=order,plan\n"
              "  gradc inspect model.json --emit=dot --entry predict | dot -Tsvg > model.svg\n"
              "  gradc inspect model.json --emit=learning-rate -o rates.svg\n"
              "Stages: graph (before differentiation), backward, optimized, fused (and why kernels stay apart), ordered, plan,\n"
              "kernels (index notation and loop schedule), schedule (the same with the candidates and their costs), llvm, asm;\n"
              "dot draws the entry as a picture; learning-rate draws all rates that have a schedule, over the steps of a run;\n"
              "model is the model file without blocks and with every default written out.");
  auto command = std::make_shared<InspectCommand>();
  add_file(*sub, "model", command->model.path, "The model file; '-' is standard input", Dash::stream)->required();
  std::vector<std::string> shown = stage_names();
  shown.insert(shown.end(), {kModel, kRates});
  sub->add_option("--emit", command->emit, "What to show")->check(CLI::IsMember(shown))->capture_default_str();
  std::vector<std::string> entries;
  for (Entry e : kEntries)
    entries.emplace_back(to_string(e));
  sub->add_option("--entry", command->entry, "Which entry point")->check(CLI::IsMember(entries))->capture_default_str();
  sub->add_option("--batch-size", command->batch, "Examples a call; default: the model's")->check(limited_as(train_attr("batch_size")));
  sub->add_option("--steps", command->steps, "Length of the run whose rates are drawn; default: that of the model file and its data")
      ->check(CLI::PositiveNumber);
  sub->add_option("-o,--output", command->output, "Write the rates to this file as SVG");
  sub->add_option("--target", command->model.target, "native, x86-64, x86-64-v2, x86-64-v3 or x86-64-v4")->capture_default_str();
  command->model.add_to(*sub);
  command->passes.add_to(*sub);
  sub->callback([command] { command->run(); });
}

void add_opt(CLI::App &app) {
  CLI::App *sub = app.add_subcommand("opt", "Run passes on IR text");
  std::string list = "Passes, in the order of the pipeline:\n";
  for (const Pass &pass : pipeline())
    list += fmt::format("  {:<10} {}\n", pass.name, pass.doc);
  sub->footer("Examples:\n"
              "  gradc opt graph.gradc --passes=simplify,cse\n"
              "  gradc inspect model.json --emit=backward | gradc opt --emit=kernels\n" + list);
  auto command = std::make_shared<OptCommand>();
  add_file(*sub, "file", command->path, "IR text; '-' is standard input", Dash::stream)->capture_default_str();
  sub->add_option("--passes", command->passes, "Which passes, in this order; default: all")->delimiter(',')->type_name("PASS,...");
  sub->add_option("--emit", command->emit, "Show this instead of the graph")->check(CLI::IsMember({"kernels", "schedule", "llvm", "asm", "dot"}));
  sub->add_option("--target", command->target, "native, x86-64, x86-64-v2, x86-64-v3 or x86-64-v4")->capture_default_str();
  command->flags.add_to(*sub);
  sub->callback([command] { command->run(); });
}

} // namespace gradc::driver
