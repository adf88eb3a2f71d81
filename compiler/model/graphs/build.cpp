// The graphs of the entry points: forward, differentiated, followed by the optimizer's rule.
#include "compiler/model/graphs/forward.h"
#include "compiler/model/graphs/preprocessing.h"
#include "compiler/model/graphs/update.h"
#include "compiler/model/tables/activations.h"
#include "compiler/model/tables/initializers.h"
#include "compiler/model/tables/losses.h"
#include "compiler/model/tables/metrics.h"
#include "compiler/model/tables/schedules.h"
#include "passes/differentiate.h"

#include <algorithm>
#include <fmt/format.h>

namespace gradc {
namespace {

class Builder {
public:
  Builder(const Model &model, Entry entry, int64_t batch, DType float_dtype)
      : model_(model), float_(float_dtype), batch_(batch), declared_(declare(graph_, model, entry, batch, float_dtype)),
        forward_(graph_, model, declared_, stand_ins_, float_dtype) {
    graph_.name = fmt::format("{}_{}", model.name, to_string(entry));
  }

  void init() {
    for (size_t p = 0; p < declared_.params.size(); ++p) {
      const Value param = declared_.params[p];
      const Scope scope = at(location_of(model_.params[p]));
      const Var value = initial_value(model_.params[p].initializer, graph_.type(param), declared_.scalar(scope, "seed"),
                                      constant(scope, 0, {DType::i64, {}}), initial_stream(p));
      graph_.updates.push_back({param, value.value});
    }
    for (const std::vector<Value> &slots : declared_.slots)
      for (Value slot : slots)
        graph_.updates.push_back({slot, graph_.constant(0, graph_.type(slot), graph_[slot].location)});
    for (size_t i = 0; i < model_.inputs.size(); ++i)
      if (declared_.statistics[i])
        init_statistics(graph_, model_.inputs[i], *declared_.statistics[i]);
  }

  void fit() {
    for (size_t i = 0; i < model_.inputs.size(); ++i)
      if (declared_.statistics[i])
        fit_statistics(graph_, model_.inputs[i], *declared_.statistics[i], declared_.inputs[i]);
  }

  void forward() { return_loss(forward_.loss(run(true))); }

  void train_step() { append_update(graph_, model_, declared_, differentiated(), float_); }

  void grad_step() {
    const std::vector<Value> gradients = differentiated();
    for (size_t p = 0; p < gradients.size(); ++p)
      graph_.updates.push_back({declared_.grads[p], gradients[p]});
  }

  void apply() { append_update(graph_, model_, declared_, declared_.grads, float_); }

  void evaluate() {
    const std::vector<Value> values = run(false);
    Scope scope = at("/loss");
    if (has_parts(model_)) {
      return_losses(values);
    } else {
      const Var total{&scope, forward_.loss(values)};
      add_return("loss.sum", cast(total, DType::f64) * static_cast<double>(batch_));
    }
    for (size_t i = 0; i < model_.metrics.size(); ++i) {
      const ModelMetric &metric = model_.metrics[i];
      scope.location = fmt::format("/metrics/{}", i);
      const auto [prediction, target] = judged(scope, metric, values);
      const std::vector<Var> sums = metric.def->build({metric.loss->link, prediction, target, metric.ignored});
      for (size_t t = 0; t < sums.size(); ++t)
        add_return(fmt::format("{}.{}", metric.name, terms_of(*metric.def, metric.ignored)[t]), sums[t]);
    }
  }

  void predict() {
    const std::vector<Value> values = run(false);
    for (Source output : model_.outputs) {
      const Scope scope = at(graph_[values[output]].location);
      const Var y{&scope, values[output]};
      add_return(model_.name_of(output), in_units_of_target(output, y));
      const ModelLoss *loss = model_.loss_of(output);
      if (loss && loss->def->link == Link::softmax)
        add_return(model_.name_of(output) + ".probabilities", softmax(y));
      if (loss && loss->def->link == Link::sigmoid)
        add_return(model_.name_of(output) + ".probabilities", sigmoid(y));
    }
  }

  void schedule() {
    const Scope scope = at("/optimizer/learning_rate");
    add_return("learning_rate", learning_rate(model_.document.at("optimizer").at("learning_rate"),
                                              declared_.scalar(scope, "learning_rate"), declared_.scalar(scope, "step"),
                                              declared_.scalar(scope, "total_steps")));
  }

  Graph take() { return std::move(graph_); }

  /// The readers of stand-ins get the values they stand for, now that gradients have flowed through them.
  Graph finish() {
    drop_stand_ins(graph_, stand_ins_);
    return take();
  }

private:
  Scope at(std::string location) { return {graph_, std::move(location), &stand_ins_}; }

  std::vector<Value> run(bool training) { return forward_(forward_.declared_inputs(), training); }

  /// What an output estimates of the target of a loss comes in the units of its raw data, where that is preprocessed.
  Var in_units_of_target(Source output, Var y) const {
    const auto [loss, operand] = model_.operand_of(output);
    if (!loss || operand->estimates == LossOperand::Estimates::nothing)
      return y;
    const Source source = *loss->source_of(*loss->def->target());
    const ModelInput &input = model_.inputs[source];
    if (!input.preprocessing.changes_values())
      return y;
    const Shape &prediction = model_.shape_of(loss->prediction());
    const Shape beside = operand_shape(*loss->def->target(), loss->attrs, prediction);
    Shape fitted = operand_shape(*operand, loss->attrs, prediction);
    fitted.insert(fitted.begin(), batch_);
    const Var own = in_own_units(input, declared_.statistics[source], beside, operand->estimates, reshape(y, fitted));
    return cast(reshape(own, y.shape()), input.dtype_in(float_));
  }

  /// What a metric compares: where the target is preprocessed, both in the units of its raw data.
  std::pair<Var, Var> judged(const Scope &scope, const ModelMetric &metric, const std::vector<Value> &values) const {
    const Var prediction{&scope, values[metric.prediction]};
    const LossOperand &target = *metric.loss->target();
    const bool preprocessed = metric.loss->link == Link::none && model_.inputs[metric.target].preprocessing.changes_values();
    if (!preprocessed)
      return {prediction, fit_target(target, {&scope, values[metric.target]}, prediction)};
    const Var own = in_own_units(model_.inputs[metric.target], declared_.statistics[metric.target],
                                 model_.shape_of(metric.prediction), LossOperand::Estimates::target, prediction);
    return {own, fit_target(target, {&scope, declared_.inputs[metric.target]}, own)};
  }

  std::vector<Value> differentiated() {
    const Value total = forward_.loss(run(true));
    std::vector<Value> trained;
    for (size_t number : declared_.trained)
      trained.push_back(declared_.params[number]);
    std::vector<Value> gradients = differentiate(graph_, total, trained);
    for (size_t p = 0; p < gradients.size(); ++p)
      graph_.gradients.push_back({trained[p], gradients[p]});
    return_loss(total);
    return gradients;
  }

  void return_loss(Value total) {
    const Scope scope = at("/loss");
    add_return("loss", cast(Var{&scope, total}, DType::f64));
  }

  /// Each loss as a fraction, and the regularizers: what a sum over batches needs where examples or losses differ in weight.
  void return_losses(const std::vector<Value> &values) {
    for (size_t i = 0; i < model_.losses.size(); ++i) {
      const ModelLoss &loss = model_.losses[i];
      const Scope scope = at(fmt::format("/loss/{}", i));
      const LossFraction fraction = forward_.fraction(scope, loss, values);
      add_return(loss.name + ".sum", cast(fraction.sum, DType::f64));
      add_return(loss.name + ".weight", cast(fraction.weight, DType::f64));
    }
    const Scope scope = at("/loss");
    const std::optional<Value> penalty = forward_.penalty();
    const Var each = penalty ? cast({&scope, *penalty}, DType::f64) : constant(scope, 0, {DType::f64, {}});
    add_return("loss.penalty", each * static_cast<double>(batch_));
  }

  void add_return(std::string name, Var value) { graph_.returns.push_back({std::move(name), value.value}); }

  const Model &model_;
  const DType float_;
  const int64_t batch_;
  Graph graph_;
  StandIns stand_ins_;
  const Declarations declared_;
  Forward forward_;
};

/// What tells entries apart, in the order of the enum.
struct EntryInfo {
  Entry entry;
  std::string_view name;
  void (Builder::*build)();
  bool examples;        // it reads them
  bool gradients_cross; // it writes gradients for another entry, or reads those of one
};
constexpr EntryInfo kInfos[] = {
    {Entry::init, "init", &Builder::init, false, false},
    {Entry::fit, "fit", &Builder::fit, true, false},
    {Entry::train_step, "train_step", &Builder::train_step, true, false},
    {Entry::grad_step, "grad_step", &Builder::grad_step, true, true},
    {Entry::apply, "apply", &Builder::apply, false, true},
    {Entry::evaluate, "evaluate", &Builder::evaluate, true, false},
    {Entry::predict, "predict", &Builder::predict, true, false},
    {Entry::schedule, "schedule", &Builder::schedule, false, false},
};
static_assert(std::ranges::equal(kInfos, kEntries, {}, &EntryInfo::entry));

const EntryInfo &info(Entry entry) { return kInfos[static_cast<size_t>(entry)]; }

} // namespace

std::string_view to_string(Entry entry) { return info(entry).name; }

std::optional<Entry> parse_entry(std::string_view name) {
  for (const EntryInfo &info : kInfos)
    if (info.name == name)
      return info.entry;
  return std::nullopt;
}

bool takes_examples(Entry entry) { return info(entry).examples; }
bool gradients_cross(Entry entry) { return info(entry).gradients_cross; }

bool has_parts(const Model &model) {
  return model.losses.size() > 1 || std::ranges::any_of(model.losses, &ModelLoss::is_weighted);
}

bool has_entry(const Model &model, Entry entry) {
  if (entry == Entry::schedule)
    return !is_constant(model.document.at("optimizer").at("learning_rate"));
  if (entry == Entry::fit)
    return std::ranges::any_of(model.inputs, [](const ModelInput &input) { return input.preprocessing.standardize; });
  return true;
}

std::vector<Entry> entries_of(const Model &model) {
  std::vector<Entry> entries;
  std::ranges::copy_if(kEntries, std::back_inserter(entries), [&](Entry entry) { return has_entry(model, entry); });
  return entries;
}

Graph build_graph(const Model &model, Entry entry, int64_t batch, DType float_dtype) {
  if (!has_entry(model, entry))
    throw Error(entry == Entry::fit ? "no input is standardized: the model has no statistics to fit"
                                    : "the learning rate is constant: the model has no schedule");
  Builder builder(model, entry, takes_examples(entry) ? batch : 0, float_dtype);
  (builder.*info(entry).build)();
  return builder.finish();
}

Graph build_forward(const Model &model, int64_t batch, DType float_dtype) {
  Builder builder(model, Entry::train_step, batch, float_dtype);
  builder.forward();
  return builder.take();
}

} // namespace gradc
