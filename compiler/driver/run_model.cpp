#include "compiler/driver/run_model.h"

#include "compiler/engines/interpreted_model.h"
#include "compiler/engines/jit.h"
#include "compiler/engines/shared_model.h"
#include "compiler/model/graphs/watch.h"
#include "compiler/reports/profile.h"
#include "ir/error.h"
#include "runtime/train/io/console.h"
#include "runtime/train/io/file.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gradc::driver {

void ProfileFlags::add_to(CLI::App &app) {
  app.add_flag("--profile", table, "Show where the time of the run went, kernel by kernel");
  add_file(app, "--trace", trace,
           fmt::format("A timeline of the compiler and of the first {} steps, for ui.perfetto.dev (JSON)",
                       Profile::kTracedSteps));
}

void ProfileFlags::report(const Profile &profile, Trace &timeline, DType dtype) const {
  if (table)
    runtime::print(profile.table(measure_peak(threads, size_of(dtype))));
  if (trace.empty())
    return;
  profile.add_to(timeline);
  runtime::write_file(trace, timeline.json());
}

NamedFiles EngineFlags::inputs(const runtime::Signature &signature, const std::string &folder, const std::string &data) const {
  NamedFiles files;
  files.input("the model", model.file());
  files.input("--data", data);
  files.input("the model's data", runtime::data_files(signature, folder));
  return files;
}

void EngineFlags::add_to(CLI::App &app, bool measured) {
  add_file(app, "model", model.path, "A model file, '-' for one from standard input, or a shared object made by 'gradc compile'", Dash::stream)
      ->required();
  const auto known = app.get_options();
  model.add_to(app);
  app.add_option("--engine", engine, "What runs the model")->check(CLI::IsMember({"jit", "interpreter"}))->capture_default_str();
  passes.add_to(app);
  if (measured)
    profile.add_to(app);
  for (const CLI::Option *option : app.get_options())
    if (std::find(known.begin(), known.end(), option) == known.end())
      of_model_files.push_back(option);
}

void EngineFlags::refuse_what_is_without_effect() const {
  if (is_shared_object(model.path))
    for (const CLI::Option *option : of_model_files)
      if (option->count() > 0)
        throw CLI::ValidationError(fmt::format("--{}", fmt::join(option->get_lnames(), ", --")), "a shared object is already compiled; give the model file that it was made of");
  if (!interpreted())
    return;
  if (profile.wanted())
    throw CLI::ValidationError(profile.table ? "--profile" : "--trace", "only compiled code can be measured; leave out --engine=interpreter");
  if (!passes.schedule.empty())
    throw CLI::ValidationError("--schedule", "the interpreter has no loops to schedule; leave out --engine=interpreter");
}

void with_model(EngineFlags &flags, const Prepare &prepare, const Use &use) {
  flags.refuse_what_is_without_effect();
  if (is_shared_object(flags.model.path)) {
    SharedModel shared(flags.model.path);
    runtime::Signature signature = runtime::parse_signature(shared.table()->signature);
    const std::string folder = std::filesystem::path(flags.model.path).parent_path().string();
    prepare(signature, runtime::join_path(folder, signature.data_folder));
    use(*shared.table(), signature);
    return;
  }
  const Model model = flags.passes.trace.span("read model", [&] { return load_or_report(flags.model); });
  with_graphs(flags, model, prepare,
              [&](const gradc_model &table, const runtime::Signature &signature, const auto &) { use(table, signature); });
}

void with_graphs(EngineFlags &flags, const Model &model, const Prepare &prepare, const UseGraphs &use) {
  Trace &timeline = flags.passes.trace;
  const DType dtype = flags.model.float_dtype();
  runtime::Signature signature = runtime::parse_signature(gradc::signature(model, dtype));
  std::vector<EntryRequest> requests;
  with_locations(model, [&] {
    try {
      for (const runtime::EntryKey &key : timeline.span("read data", [&] { return prepare(signature, model.folder); }))
        requests.push_back({entry_of(key.kind), key.batch});
    } catch (const runtime::BatchTooSmall &problem) {
      throw Error(problem.what(), problem.location);
    }
  });
  const auto built = [&] {
    ModelSpec spec = build_graphs(model, requests, dtype);
    for (const EntryRequest &request : requests)
      if (flags.watched && request.entry == Entry::train_step)
        spec.entries.push_back({"watch", request.batch, build_watch(model, request.batch, dtype), GRADC_OTHER});
    return spec;
  };
  with_locations(model, [&] {
    if (flags.interpreted()) {
      const RunOptions options = flags.passes.resolved();
      ModelSpec spec = built();
      for (EntrySpec &entry : spec.entries)
        run_passes(entry.graph, options);
      InterpretedModel interpreted(spec);
      flags.passes.finish();
      use(*interpreted.table(), signature, [&] { return spec; });
      return;
    }
    CodegenOptions codegen = flags.passes.codegen(flags.model.target);
    codegen.profile = flags.profile.wanted();
    const ModelSpec spec = timeline.span("build graphs", built);
    const CompiledModel compiled = timeline.span("compile", [&] { return compile_model(spec, codegen); });
    const auto graphs = [&] { return with_plans(spec, compiled); };
    JitModel jit = timeline.span("load code", [&] { return JitModel(compiled, codegen.target); });
    flags.passes.finish();
    if (!codegen.profile)
      return use(*jit.table(), signature, graphs);
    Profile profile(graphs(), model, *jit.table());
    timeline.span("run", [&] { use(profile.measured(), signature, graphs); });
    flags.profile.report(profile, timeline, dtype);
  });
}

void warn(const runtime::Dataset &data) {
  for (const std::string &warning : data.warnings)
    runtime::tell(fmt::format("gradc: warning: {}\n", warning));
}

} // namespace gradc::driver
