// gradc check, schema, ops: what a model is, what a model file may say, what graphs are made of.
#include "compiler/driver/common.h"

#include "ir/op.h"
#include "runtime/train/io/console.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <set>

namespace gradc::driver {
namespace {

/// "not trained: a, b", a line, or nothing where no parameter has it.
template <class Has> std::string parameters_that(const Model &model, const std::string &what, const Has &has) {
  std::vector<std::string_view> names;
  for (const ModelParam &param : model.params)
    if (has(param))
      names.push_back(param.name);
  return names.empty() ? "" : fmt::format("{}: {}\n", what, fmt::join(names, ", "));
}

/// The parameters that are trained otherwise than the optimizer's keys say.
std::string exceptions(const Model &model) {
  std::set<double> rates, decays;
  for (const ModelParam &param : model.params)
    if (param.trainable) {
      rates.insert(param.rate_factor);
      decays.insert(param.decay_factor);
    }
  std::string text = parameters_that(model, "not trained", [](const ModelParam &p) { return !p.trainable; });
  for (const double factor : rates)
    if (factor != 1)
      text += parameters_that(model, fmt::format("{} times the learning rate", factor),
                              [&](const ModelParam &p) { return p.trainable && p.rate_factor == factor; });
  const bool decaying = std::ranges::any_of(model.hypers, [](const ModelHyper &hyper) { return hyper.name == "weight_decay"; });
  for (const double factor : decays)
    if (factor != 1 && decaying)
      text += parameters_that(model, factor == 0 ? "no weight decay" : fmt::format("{} times the weight decay", factor),
                              [&](const ModelParam &p) { return p.trainable && p.decay_factor == factor; });
  return text;
}

struct CheckCommand {
  ModelFlags model;
  int64_t batch = 0;

  void run() {
    Model loaded = load_or_report(model);
    int64_t examples = batch > 0 ? batch : loaded.batch_size;
    std::vector<SummaryRow> rows;
    with_locations(loaded, [&] { rows = summary(loaded, examples, model.float_dtype()); });
    size_t names = 20, types = 16; // those of some layers are longer
    for (const SummaryRow &row : rows) {
      names = std::max(names, row.name.size());
      types = std::max(types, row.type.size());
    }
    runtime::print(fmt::format("{:<{}} {:<{}} {:<16} {:>12} {:>10} {:>10}\n", "layer", names, "type", types, "output",
                               "parameters", "MFLOP", "MB"));
    SummaryRow total{"total", "", {}, 0, 0, 0};
    auto line = [&](const SummaryRow &r, const std::string &shape) {
      runtime::print(fmt::format("{:<{}} {:<{}} {:<16} {:>12} {:>10.3f} {:>10.3f}\n", r.name, names, r.type, types, shape,
                                 r.params, r.flops / 1e6, static_cast<double>(r.bytes) / 1e6));
    };
    for (const SummaryRow &row : rows) {
      line(row, to_string(row.output));
      total.params += row.params;
      total.flops += row.flops;
      total.bytes += row.bytes;
    }
    line(total, "");
    runtime::print(exceptions(loaded));
    runtime::print(fmt::format("of a train step with {} examples in {}; no errors\n", examples, model.dtype));
  }
};

std::string arity(const OpDef &op) { return op.arity < 0 ? "1+" : std::to_string(op.arity); }

std::string attributes(const OpDef &op) {
  std::string text;
  for (const AttrSpec &a : op.attrs)
    text += (text.empty() ? "" : ", ") + std::string(a.name) + (a.default_value ? "?" : "");
  return text;
}

void list_ops() {
  runtime::print(fmt::format("{:<16} {:>8}  {:<22} {:<12} {}\n", "op", "operands", "attributes", "gradient", "meaning"));
  for (const OpDef *op : all_ops())
    runtime::print(fmt::format("{:<16} {:>8}  {:<22} {:<12} {}\n", op->name, arity(*op), attributes(*op),
                               op->gradient ? "yes" : "none", op->doc));
}

} // namespace

void add_check(CLI::App &app) {
  CLI::App *sub = app.add_subcommand("check", "Check a model file; show its layers, shapes, parameters and work");
  sub->footer("Example:\n  gradc check examples/digits/model.json --batch-size 128");
  auto command = std::make_shared<CheckCommand>();
  add_file(*sub, "model", command->model.path, "The model file; '-' is standard input", Dash::stream)->required();
  sub->add_option("--batch-size", command->batch, "Examples a step; default: the model's")->check(limited_as(train_attr("batch_size")));
  command->model.add_to(*sub);
  sub->callback([command] { command->run(); });
}

void add_schema(CLI::App &app) {
  CLI::App *sub = app.add_subcommand("schema", "Print the JSON Schema of model files, for editors");
  sub->footer("Examples:\n"
              "  gradc schema > gradc-model-1.schema.json   # then name it as \"$schema\" in the model file\n"
              "  gradc schema --markdown                    # the reference, for reading");
  auto markdown = std::make_shared<bool>(false);
  sub->add_flag("--markdown", *markdown, "Print the reference page instead");
  sub->callback([markdown] { runtime::print((*markdown ? reference_markdown() : schema().dump(2)) + "\n"); });
}

void add_ops(CLI::App &app) {
  CLI::App *sub = app.add_subcommand("ops", "List the primitive ops of graphs");
  sub->footer("Example:\n  gradc ops | grep yes   # those with a gradient");
  sub->callback([] { list_ops(); });
}

} // namespace gradc::driver
