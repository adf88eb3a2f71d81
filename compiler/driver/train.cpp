// gradc train, gradc predict: the runtime's loops.
#include "compiler/driver/run_model.h"
#include "compiler/driver/stop_signals.h"

#include "compiler/checks/numerics.h"
#include "compiler/model/tables/schedules.h"
#include "runtime/train/early_stopping.h"
#include "runtime/train/io/console.h"
#include "runtime/train/predict.h"

#include <fmt/format.h>

namespace gradc::driver {
namespace {

struct TrainCommand {
  EngineFlags engine;
  runtime::TrainOptions options;
  std::string progress = "auto";
  bool check_numerics = false;

  void check_files(const runtime::Signature &signature, const std::string &folder) const {
    NamedFiles files = engine.inputs(signature, folder, options.data);
    files.input("--load", options.load, "--save");
    files.input("--load-partial", options.load_partial, "--save");
    files.output("--save", options.save);
    if (!options.save.empty() && runtime::EarlyStopping(signature).is_on())
      files.output("the best state of --save", runtime::best_path(options.save));
    files.output("--log", options.log, runtime::Writing::in_place);
    files.output("--plot", options.plot);
    files.output("--trace", engine.profile.trace);
    files.check_distinct();
    files.check_writable();
  }

  void run() {
    options.progress = *runtime::parse_progress_mode(progress);
    engine.profile.threads = options.threads;
    engine.watched = options.watch;
    runtime::Dataset data;
    int signal = 0;
    const auto prepare = [&](const runtime::Signature &signature, const std::string &folder) {
      check_files(signature, folder);
      options.base_folder = folder;
      data = load_data(options.data, [&] { return runtime::load_training_data(signature, options); });
      warn(data);
      return runtime::needed_entries(signature, options, data.sizes());
    };
    const auto use = [&](const gradc_model &table, const runtime::Signature &signature) {
      const StopSignals signals; // before the first step there is nothing to save
      options.stop = &signals.requested();
      if (runtime::train(table, signature, data, options).stopped)
        signal = signals.signal();
    };
    if (check_numerics)
      with_checked_numerics(prepare, use);
    else
      with_model(engine, prepare, use);
    if (signal != 0)
      throw Interrupted{signal};
  }

  void with_checked_numerics(const Prepare &prepare, const Use &use) {
    engine.refuse_what_is_without_effect();
    const Model model = load_or_report(engine.model);
    with_graphs(engine, model, prepare,
                [&](const gradc_model &table, const runtime::Signature &signature, const Graphs &graphs) {
                  NumericsCheck numerics(graphs(), place_names(model), table);
                  try {
                    use(numerics.checked(), signature);
                  } catch (const runtime::Error &error) {
                    if (!numerics.finding())
                      throw;
                    throw Error(error.what() + ("\n" + numerics.finding()->text), numerics.finding()->location);
                  }
                });
  }
};

struct PredictCommand {
  EngineFlags engine;
  runtime::PredictOptions options;

  void run() {
    runtime::Dataset data;
    with_model(
        engine,
        [&](const runtime::Signature &signature, const std::string &folder) {
          NamedFiles files = engine.inputs(signature, folder, options.data);
          files.input("--load", options.load);
          if (options.output != "-")
            files.output("--output", options.output);
          files.check_distinct();
          files.check_writable();
          options.base_folder = folder;
          data = load_data(options.data, [&] { return runtime::load_prediction_data(signature, options); });
          warn(data);
          return runtime::needed_predict_entries(data.rows(), options.batch_size);
        },
        [&](const gradc_model &table, const runtime::Signature &signature) {
          const std::vector<runtime::Prediction> predictions = runtime::predict(table, data, options);
          std::vector<runtime::PredictedClasses> classes;
          if (options.classes)
            classes = runtime::predicted_classes(signature, predictions);
          runtime::write_predictions(predictions, classes, data.rows(), options.output);
        });
  }
};

} // namespace

void add_train(CLI::App &app) {
  CLI::App *sub = app.add_subcommand("train", "Train a model and report its metrics");
  sub->footer("Examples:\n"
              "  gradc train examples/digits/model.json --save digits.safetensors\n"
              "  gradc train model.json --epochs 5 --learning-rate 3e-4 --threads 2 --log run.jsonl\n"
              "  gradc train model.json --load digits.safetensors --save digits.safetensors --epochs 80   # go on\n"
              "  gradc train model.json --load-partial digits.safetensors --load-only 'hidden.*'   # begin with those\n"
              "  gradc train model.json --epochs 2 --profile --trace trace.json   # where its time goes\n"
              "  gradc train model.so   # the same loop on a compiled model\n"
              "SIGINT (Ctrl-C), SIGTERM and SIGHUP end a run after the step under way: it is saved, and the exit status is 128 + the\n"
              "number of the signal. A second Ctrl-C ends it at once, without saving.");
  auto command = std::make_shared<TrainCommand>();
  command->engine.add_to(*sub, true);
  runtime::TrainOptions &o = command->options;
  sub->add_option("--epochs", o.epochs, "Passes over the training data")->check(limited_as(train_attr("epochs")));
  sub->add_option("--max-steps", o.max_steps, "Stop after so many updates")->check(positive());
  sub->add_option("--batch-size", o.batch_size, "Examples an update")->check(limited_as(train_attr("batch_size")));
  sub->add_option("--learning-rate", o.learning_rate, "Initial learning rate; the schedule scales it")
      ->check(limited_as(initial_rate()));
  sub->add_option("--seed", o.seed, "Seed of initial values, split, order and dropout")->check(limited_as(train_attr("seed")));
  sub->add_option("--threads", o.threads, "Threads; results do not depend on their number")->check(number_of_threads())->capture_default_str();
  // By a function, which is called only where the flag is given: a variable would be set to false where it is not.
  sub->add_flag_function("--shuffle,!--no-shuffle", [&o](int64_t given) { o.shuffle = given > 0; },
                         "Take the examples in a new order every epoch, or in that of the file; default: as the model says");
  add_file(*sub, "--data", o.data, "Data file, instead of the one the model names");
  CLI::Option *load = add_file(*sub, "--load", o.load, "Start from these weights, or go on with this run");
  CLI::Option *partial = add_file(*sub, "--load-partial", o.load_partial,
                                  "Begin a new run with those of these weights whose names and shapes fit")->excludes(load);
  sub->add_option("--load-only", o.load_only, "Of --load-partial, only parameters with such a name, e.g. 'hidden.*'")
      ->type_name("PATTERN,...")->delimiter(',')->needs(partial);
  CLI::Option *save = add_file(*sub, "--save", o.save, "Where the weights go (safetensors)");
  CLI::Option *epochs = sub->add_option("--save-every", o.save_every, "Save after every N epochs, too; default: once a minute")
                            ->needs(save)->check(positive())->type_name("N");
  sub->add_option("--save-every-steps", o.save_every_steps, "Save after every N updates, too")
      ->needs(save)->excludes(epochs)->check(positive())->type_name("N");
  add_file(*sub, "--log", o.log, "One JSON object a step and an epoch");
  add_file(*sub, "--plot", o.plot, "A picture of the losses (SVG)");
  command->engine.of_model_files.push_back(
      sub->add_flag("--check-numerics", command->check_numerics,
                    "Where the loss or a parameter stops being a finite number, name the first value that did, and where it was "
                    "made"));
  command->engine.of_model_files.push_back(
      sub->add_flag("--watch", o.watch, "Show of each layer the norms of parameters, gradients and updates, and the share of "
                                        "dead units; in the log of each step, too"));
  sub->add_option("--progress", command->progress, "How to show progress")
      ->check(CLI::IsMember({"auto", "plain", "json", "none"}))->capture_default_str();
  sub->callback([command] { command->run(); });
}

void add_predict(CLI::App &app) {
  CLI::App *sub = app.add_subcommand("predict", "Run a trained model over a data file");
  sub->footer("Examples:\n"
              "  gradc predict model.json --load digits.safetensors --data new.csv -o scores.csv\n"
              "  gradc predict model.so --load digits.safetensors --classes -o classes.csv");
  auto command = std::make_shared<PredictCommand>();
  command->engine.add_to(*sub, false);
  runtime::PredictOptions &o = command->options;
  add_file(*sub, "--load", o.load, "The trained weights (safetensors)")->required();
  add_file(*sub, "--data", o.data, "Data file, instead of the one the model names");
  add_file(*sub, "-o,--output", o.output,
           "Where the predictions go: .csv, .npz, or .npy for one output; '-' is standard output, as .csv", Dash::stream)->required();
  sub->add_flag("--classes", o.classes, "Also the most likely class, or yes or no: in .csv by its label, in .npz by its number");
  sub->add_option("--batch-size", o.batch_size, "Examples a call")->check(limited_as(train_attr("batch_size")))->capture_default_str();
  sub->add_option("--threads", o.threads, "Threads")->check(number_of_threads())->capture_default_str();
  sub->callback([command] { command->run(); });
}

} // namespace gradc::driver
