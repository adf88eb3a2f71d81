// gradc compile: a model as a shared object and a header.
#include "compiler/driver/common.h"
#include "compiler/driver/named_files.h"

#include "compiler/engines/aot.h"
#include "compiler/engines/model_header.h"
#include "ir/error.h"
#include "runtime/train/error.h"
#include "runtime/train/io/console.h"
#include "runtime/train/trainer.h"

#include <filesystem>
#include <fmt/format.h>
#include <set>

namespace gradc::driver {
namespace {

struct CompileCommand {
  ModelFlags model;
  PassFlags passes;
  std::string output, header;
  std::vector<int64_t> batches;
  bool object = false;

  void run();
  void check_files(const std::string &folder, const runtime::Signature &) const;
  std::vector<EntryRequest> requests(const Model &, const runtime::Signature &) const;
};

// Every entry for the batch sizes asked for, for single examples, and for what training on the model's data needs.
std::vector<EntryRequest> CompileCommand::requests(const Model &loaded, const runtime::Signature &signature) const {
  std::set<std::pair<Entry, int64_t>> wanted;
  std::vector<int64_t> sizes = batches.empty() ? std::vector<int64_t>{loaded.batch_size} : batches;
  for (Entry entry : entries_of(loaded)) {
    if (!takes_examples(entry)) {
      wanted.emplace(entry, 0);
      continue;
    }
    for (int64_t size : sizes)
      wanted.emplace(entry, size);
    if (entry == Entry::fit || entry == Entry::evaluate || entry == Entry::predict)
      wanted.emplace(entry, 1);
  }
  if (signature.train.is_object() && signature.train.contains("data") && batches.empty()) {
    runtime::TrainOptions options;
    options.base_folder = loaded.folder;
    try {
      runtime::Dataset data = runtime::load_training_data(signature, options);
      for (const runtime::EntryKey &key : runtime::needed_entries(signature, options, data.sizes()))
        wanted.emplace(entry_of(key.kind), key.batch);
    } catch (const runtime::Error &e) {
      runtime::tell(fmt::format("note: compiled without the last batch's size, as the data cannot be read: {}\n", e.what()));
    }
  }
  std::vector<EntryRequest> list;
  for (auto [entry, batch] : wanted)
    list.push_back({entry, batch});
  return list;
}

void CompileCommand::check_files(const std::string &folder, const runtime::Signature &signature) const {
  NamedFiles files;
  files.input("the model", model.file());
  files.input("the model's data", runtime::data_files(signature, folder));
  files.output("--output", output);
  files.output("--header", header);
  files.check_distinct();
  files.check_writable();
}

// Where the relative data paths of the model start, as seen from the folder of the library: so they are found from wherever the
// library is run, and trees that are built alike give the same bytes.
std::string data_folder(const Model &loaded, const std::filesystem::path &library) {
  namespace fs = std::filesystem;
  const fs::path from = fs::absolute(library).parent_path(), to = fs::absolute(loaded.folder.empty() ? "." : loaded.folder);
  std::error_code none;
  const fs::path folder = fs::relative(to, from, none);
  return folder == "." ? "" : folder.string();
}

void CompileCommand::run() {
  Model loaded = load_or_report(model);
  if (output.empty())
    output = loaded.name + (object ? ".o" : ".so");
  if (header.empty())
    header = std::filesystem::path(output).replace_extension(".h").string();
  const runtime::Signature signature = runtime::parse_signature(gradc::signature(loaded, model.float_dtype()));
  check_files(loaded.folder, signature);
  with_locations(loaded, [&] {
    ModelSpec spec = build_graphs(loaded, requests(loaded, signature), model.float_dtype());
    if (!object)
      spec.signature = gradc::signature(loaded, model.float_dtype(), data_folder(loaded, output));
    const CompiledModel compiled = compile_model(spec, passes.codegen(model.target));
    (object ? write_object : write_shared_object)(compiled, output);
    runtime::write_file(header, model_header(with_plans(std::move(spec), compiled)));
  });
  passes.finish();
}

} // namespace

void add_compile(CLI::App &app) {
  CLI::App *sub = app.add_subcommand("compile", "Compile a model to a shared object and a C header");
  sub->footer("Examples:\n"
              "  gradc compile model.json -o digits.so   # digits.so and digits.h\n"
              "  gradc compile model.json -o any.so --batch-size 1,32,128 --target x86-64-v2,x86-64-v4   # for any processor\n"
              "  gradc train digits.so                   # the driver runs it too\n"
              "  gradc compile model.json --object -o digits.o   # then: cc host.c digits.o -o host");
  auto command = std::make_shared<CompileCommand>();
  add_file(*sub, "model", command->model.path, "The model file; '-' is standard input", Dash::stream)->required();
  add_file(*sub, "-o,--output", command->output, "The shared object; default: <name>.so");
  add_file(*sub, "--header", command->header, "The C header; default: beside the output");
  sub->add_option("--batch-size", command->batches,
                  "Batch sizes to compile for; default: the model's, and what training on its data needs")
      ->delimiter(',')->check(limited_as(train_attr("batch_size")))->type_name("N,...");
  sub->add_option("--target", command->model.target,
                  "native, or any of x86-64, x86-64-v2, x86-64-v3, x86-64-v4: the best is taken when the model is loaded")
      ->type_name("CPU,...")->capture_default_str();
  sub->add_flag("--object", command->object,
                "Write a relocatable object instead, for a program that wants to be one file; default: <name>.o");
  command->model.add_to(*sub);
  command->passes.add_to(*sub);
  sub->callback([command] { command->run(); });
}

} // namespace gradc::driver
