// gradc gradcheck: whether the gradients that compiled code computes are those of the loss that it computes.
#include "compiler/driver/run_model.h"

#include "compiler/checks/gradient_check.h"
#include "compiler/checks/made_up_data.h"
#include "runtime/train/data/batches.h"
#include "runtime/train/io/console.h"

#include <algorithm>
#include <fmt/format.h>

namespace gradc::driver {
namespace {

struct GradcheckCommand {
  EngineFlags engine;
  runtime::TrainOptions options;
  GradientCheckOptions check;

  runtime::Dataset data;
  bool made_up = false;
  int64_t batch = 0;

  std::vector<runtime::EntryKey> prepare(const Model &model, const runtime::Signature &signature) {
    options.base_folder = model.folder;
    options.seed = options.seed.value_or(signature.train.is_object() ? runtime::split_seed(signature, {}) : 0);
    const int64_t wanted = options.batch_size.value_or(model.batch_size);
    made_up = options.data.empty() && !(signature.train.is_object() && signature.train.contains("data"));
    data = made_up ? made_up_data(model, wanted, *options.seed, DType::f64)
                   : load_data(options.data, [&] { return runtime::load_training_data(signature, options); });
    warn(data);
    batch = std::min(wanted, data.train.size());
    std::vector<runtime::EntryKey> entries = {{GRADC_INIT, 0}, {GRADC_GRAD_STEP, batch}};
    if (runtime::needs_fit(signature))
      entries.push_back({GRADC_FIT, 1});
    return entries;
  }

  void run() {
    engine.refuse_what_is_without_effect();
    if (is_shared_object(engine.model.path))
      throw CLI::ValidationError("model", "a shared object is already compiled; give the model file that it was made of");
    if (engine.model.float_dtype() != DType::f64)
      throw CLI::ValidationError("--dtype", "differences of f32 tell little about a gradient; leave it out");
    const Model model = load_or_report(engine.model);
    with_graphs(
        engine, model, [&](const runtime::Signature &signature, const std::string &) { return prepare(model, signature); },
        [&](const gradc_model &table, const runtime::Signature &signature, const Graphs &graphs) {
          report(model, checked(table, signature, graphs()));
        });
  }

  std::vector<TensorCheck> checked(const gradc_model &table, const runtime::Signature &signature, const ModelSpec &spec) const {
    runtime::Instance instance(table, options.threads);
    runtime::Batches batches(table, data);
    const runtime::Position position{*options.seed, 0, 0};
    instance.init(position.seed);
    if (runtime::needs_fit(signature) && !made_up)
      runtime::fit(instance, batches, data.train, position);
    const runtime::Permutation order(data.train.size(), position.seed, runtime::Stream::shuffle);
    const gradc_entry &entry = instance.require(GRADC_GRAD_STEP, batch);
    const runtime::Outputs outputs(table, entry);
    const void *const *inputs = batches.gather(order, data.train.begin, 0, batch);
    instance.run(entry, inputs, outputs, position); // refuses what is wrong with it
    const auto source = std::ranges::find(spec.entries, int32_t{GRADC_GRAD_STEP}, &EntrySpec::kind);
    return check_gradients(entry, instance.call(inputs, outputs, position), spec, *source, check);
  }

  void report(const Model &model, const std::vector<TensorCheck> &tensors) const {
    int64_t all = 0, checked = 0;
    for (const TensorCheck &tensor : tensors) {
      all += element_count(tensor.shape);
      checked += tensor.checked;
    }
    runtime::print(gradient_table(tensors, place_names(model)));
    runtime::print(fmt::format("{} of {} gradients, on {} examples{}, initial values of seed {}\n", checked, all, batch,
                               made_up ? " made up" : "", *options.seed));
    require_right(tensors);
  }
};

} // namespace

void add_gradcheck(CLI::App &app) {
  CLI::App *sub = app.add_subcommand("gradcheck", "Compare the gradients of a model with differences of its loss");
  sub->footer("Examples:\n"
              "  gradc gradcheck examples/digits/model.json\n"
              "  gradc gradcheck model.json --all --batch-size 4\n"
              "  gradc gradcheck model.json --engine interpreter --set 'optimizer=\"sgd\"'");
  auto command = std::make_shared<GradcheckCommand>();
  command->engine.model.dtype = "f64";
  command->engine.add_to(*sub, false);
  runtime::TrainOptions &o = command->options;
  CLI::Option *sample = sub->add_option("--sample", command->check.sample,
                                        "Elements of each tensor, and the one with the largest gradient")
                            ->check(positive())->capture_default_str()->type_name("N");
  sub->add_flag("--all", command->check.all, "Every element")->excludes(sample);
  add_file(*sub, "--data", o.data, "Data file, instead of the one the model names; without either, values are made up");
  sub->add_option("--batch-size", o.batch_size, "Examples, the first of a training; default: as the model file")
      ->check(limited_as(train_attr("batch_size")));
  sub->add_option("--seed", o.seed, "Seed of initial values, order, dropout, sample and made-up values")
      ->check(limited_as(train_attr("seed")));
  sub->add_option("--threads", o.threads, "Threads")->check(number_of_threads())->capture_default_str();
  sub->callback([command] { command->run(); });
}

} // namespace gradc::driver
