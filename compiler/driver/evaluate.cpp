// gradc evaluate: how good a trained model is.
#include "compiler/driver/run_model.h"

#include "runtime/train/evaluation.h"
#include "runtime/train/io/console.h"
#include "runtime/train/reports/metric_text.h"

#include <fmt/format.h>

namespace gradc::driver {
namespace {

struct EvaluateCommand {
  EngineFlags engine;
  runtime::EvaluateOptions options;
  bool json = false;

  void run() {
    runtime::EvaluationData judged;
    with_model(
        engine,
        [&](const runtime::Signature &signature, const std::string &folder) {
          NamedFiles files = engine.inputs(signature, folder, options.data);
          files.input("--load", options.load);
          files.output("--output", options.output);
          files.check_distinct();
          files.check_writable();
          options.base_folder = folder;
          judged = load_data(options.data, [&] { return runtime::load_evaluation_data(signature, options); });
          warn(judged.data);
          return runtime::needed_evaluation_entries(judged, options);
        },
        [&](const gradc_model &table, const runtime::Signature &signature) {
          const runtime::Evaluation result = runtime::evaluate_model(table, signature, judged, options);
          if (!options.output.empty())
            runtime::write_predictions(result.rows, {}, judged.part.size(), options.output);
          runtime::print(json ? runtime::evaluation_json(judged.part_name, judged.part.size(), result.metrics)
                              : runtime::evaluation_text(judged.part_name, judged.part.size(), result.metrics));
        });
  }
};

} // namespace

void add_evaluate(CLI::App &app) {
  CLI::App *sub = app.add_subcommand("evaluate", "Report the metrics of a trained model");
  sub->footer("Examples:\n"
              "  gradc evaluate model.json --load digits.safetensors\n"
              "  gradc evaluate model.json --load digits.safetensors --on validation --json\n"
              "  gradc evaluate model.json --load digits.safetensors --on all -o rows.csv   # each row's loss and outputs");
  auto command = std::make_shared<EvaluateCommand>();
  command->engine.add_to(*sub, false);
  runtime::EvaluateOptions &o = command->options;
  add_file(*sub, "--load", o.load, "The trained weights (safetensors)")->required();
  add_file(*sub, "--data", o.data, "Data file, instead of the one the model names: all its rows are judged");
  sub->add_option("--on", o.part, "The rows to judge, of those the model names: by default the first of test, validation and train that there are")
      ->check(CLI::IsMember({"train", "validation", "test", "all"}));
  add_file(*sub, "-o,--output", o.output, "Each row's number, loss and outputs (.csv or .npz)");
  sub->add_flag("--json", command->json, "The metrics as one JSON object");
  sub->add_option("--batch-size", o.batch_size, "Examples a call")->check(limited_as(train_attr("batch_size")))->capture_default_str();
  sub->add_option("--threads", o.threads, "Threads")->check(number_of_threads())->capture_default_str();
  sub->callback([command] { command->run(); });
}

} // namespace gradc::driver
