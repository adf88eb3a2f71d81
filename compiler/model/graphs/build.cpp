// The graphs of the entry points: forward, differentiated, followed by the optimizer's rule.
#include "compiler/model/graphs/forward.h"
#include "compiler/model/graphs/preprocessing.h"
#include "compiler/model/graphs/streams.h"
#include "compiler/model/graphs/update.h"
#include "compiler/model/graphs/watch.h"
#include "compiler/model/graphs/weights.h"
#include "compiler/model/tables/activations.h"
#include "compiler/model/tables/initial_values.h"
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
      const Var value = initial_value({model_.params[p].initializer, graph_.type(param), declared_.scalar(scope, "seed"),
                                       constant(scope, 0, {DType::i64, {}}), initial_stream(p), model_.folder, model_.params[p].name,
                                       location_of_initializer(model_, model_.params[p])});
      graph_.updates.push_back({param, value.value});
      if (const std::optional<Value> average = declared_.average_of(p))
        graph_.updates.push_back({*average, value.value});
      init_spectral(graph_, model_, declared_, p, value);
    }
    for (size_t b = 0; b < declared_.buffers.size(); ++b)
      for (const std::optional<Value> &v : {std::optional(declared_.buffers[b]), declared_.buffer_averages[b]})
        if (v)
          graph_.updates.push_back({*v, graph_.constant(model_.buffers[b].initial, graph_.type(*v), graph_[*v].location)});
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

  void calibrate() {
    Calibration calibration(graph_, model_, declared_);
    forward_(forward_.declared_inputs(), false, &calibration);
  }

  void forward() {
    return_loss(forward_.loss(run(true)));
    forward_.writes().append_to(graph_);
  }

  void train_step() { append_update(graph_, model_, declared_, differentiated(), forward_.writes(), float_); }

  void grad_step() {
    const std::vector<Value> gradients = differentiated();
    for (size_t p = 0; p < gradients.size(); ++p)
      graph_.updates.push_back({declared_.grads[p], weighted(gradients[p]).value});
  }

  void accumulate_step() {
    const std::vector<Value> gradients = differentiated();
    for (size_t p = 0; p < gradients.size(); ++p) {
      const Var g = weighted(gradients[p]);
      graph_.updates.push_back({declared_.grads[p], (Var{g.scope, declared_.grads[p]} + g).value});
    }
  }

  void watch() {
    graph_.name = model_.name + "_watch";
    const std::vector<Value> values = run(true);
    const std::vector<Value> gradients = gradients_of(forward_.loss(values));
    for (size_t p = 0; p < gradients.size(); ++p) {
      const ModelParam &param = model_.params[declared_.trained[p]];
      const Scope scope = at(location_of(param));
      add_return(param.name + ".gradient", sum(square(cast(Var{&scope, gradients[p]}, DType::f64))));
    }
    for (size_t i = 0; i < model_.layers.size(); ++i) {
      const JsonValue *activation = model_.layers[i].attrs.find("activation");
      if (!activation || !find_activation(*activation).rectifier)
        continue;
      const Scope scope = at(fmt::format("/layers/{}", i));
      const Var y{&scope, values[model_.inputs.size() + i]};
      const Var active = cast(gradc::apply("ne", {y, number_like(y, 0)}), DType::f64);
      add_return(model_.layers[i].name + ".active", sum(active, {0}, false));
    }
  }

  void apply() { append_update(graph_, model_, declared_, declared_.grads, {}, float_); }

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
      const std::vector<Var> sums = metric_sums(scope, metric, values);
      for (size_t t = 0; t < sums.size(); ++t)
        add_return(fmt::format("{}.{}", metric.name, terms_of(*metric.def, metric.ignored)[t]), sums[t]);
    }
  }

  void predict() {
    const std::vector<Value> values = run(false);
    for (Source output : model_.outputs) {
      const Scope scope = at(graph_[values[output]].location);
      const Var y{&scope, values[output]};
      const ModelInput *target = estimated_input(output);
      add_return(model_.name_of(output), cast(in_units_of_target(output, y), target ? target->dtype_in(float_) : float_));
      const ModelLoss *loss = model_.loss_of(output);
      if (loss && loss->def->link == Link::softmax)
        add_return(model_.name_of(output) + ".probabilities", softmax(y));
      if (loss && loss->def->link == Link::sigmoid)
        add_return(model_.name_of(output) + ".probabilities", sigmoid(y));
    }
  }

  void schedule() {
    for (const ModelHyper &hyper : model_.hypers)
      if (hyper.schedule) {
        const Scope scope = at(hyper.location);
        add_return(hyper.name, scheduled_value(*hyper.schedule, declared_.scalar(scope, hyper.name), declared_.scalar(scope, "step"),
                                               declared_.scalar(scope, "total_steps")));
      }
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

  std::vector<Var> metric_sums(const Scope &scope, const ModelMetric &metric, const std::vector<Value> &values) const {
    if (metric.named.empty()) {
      const auto [prediction, target] = judged(scope, metric, values);
      return metric.def->build({metric.loss->link, prediction, target, metric.attrs, metric.ignored});
    }
    std::vector<Var> named;
    for (Source s : metric.named)
      named.push_back(model_.is_input(s) ? in_units_of_data(scope, s, values) : in_units_of_target(s, {&scope, values[s]}));
    return metric.def->build({Link::none, {}, {}, metric.attrs, {}, std::move(named)});
  }

  /// A preprocessed target that layers estimate, as the raw data have it; other inputs as layers see them.
  Var in_units_of_data(const Scope &scope, Source input, const std::vector<Value> &values) const {
    const auto is_estimated = [&](const ModelLoss &loss) {
      const LossOperand *target = loss.def->target();
      return target && loss.source_of(*target) == input &&
             std::ranges::any_of(loss.def->operands, [](const LossOperand &o) { return o.estimates != LossOperand::Estimates::nothing; });
    };
    const bool raw = model_.inputs[input].preprocessing.changes_values() && std::ranges::any_of(model_.losses, is_estimated);
    return {&scope, raw ? declared_.inputs[input] : values[input]};
  }

  /// The preprocessed target of a loss of which a layer estimates something; null when there is none.
  const ModelInput *estimated_input(Source layer) const {
    const auto [loss, operand] = model_.operand_of(layer);
    if (!loss || operand->estimates == LossOperand::Estimates::nothing)
      return nullptr;
    const ModelInput &input = model_.inputs[*loss->source_of(*loss->def->target())];
    return input.preprocessing.changes_values() ? &input : nullptr;
  }

  /// What a layer estimates of the target of a loss, in the units of its raw data and as f64, where that is preprocessed; else y.
  Var in_units_of_target(Source layer, Var y) const {
    const ModelInput *input = estimated_input(layer);
    if (!input)
      return y;
    const auto [loss, operand] = model_.operand_of(layer);
    const Source source = *loss->source_of(*loss->def->target());
    const Shape &prediction = model_.shape_of(loss->prediction());
    const Shape beside = operand_shape(*loss->def->target(), loss->attrs, prediction);
    Shape fitted = operand_shape(*operand, loss->attrs, prediction);
    fitted.insert(fitted.begin(), batch_);
    return reshape(in_own_units(*input, declared_.statistics[source], beside, operand->estimates, reshape(y, fitted)), y.shape());
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
    std::vector<Value> gradients = gradients_of(total);
    return_loss(total);
    forward_.writes().append_to(graph_);
    return gradients;
  }

  std::vector<Value> gradients_of(Value total) {
    std::vector<Value> trained;
    for (size_t number : declared_.trained)
      trained.push_back(declared_.params[number]);
    std::vector<Value> gradients = differentiate(graph_, total, trained);
    for (size_t p = 0; p < gradients.size(); ++p)
      graph_.gradients.push_back({trained[p], gradients[p]});
    return gradients;
  }

  /// A gradient as it counts among those that are accumulated.
  Var weighted(Value gradient) {
    const Var g{&optimizer_scope_, gradient};
    return declared_.has_scalar("gradient_weight") ? g * cast(declared_.scalar(optimizer_scope_, "gradient_weight"), float_) : g;
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
    const std::optional<Value> penalty = forward_.penalty(values);
    const Var each = penalty ? cast({&scope, *penalty}, DType::f64) : constant(scope, 0, {DType::f64, {}});
    add_return("loss.penalty", each * static_cast<double>(batch_));
  }

  void add_return(std::string name, Var value) { graph_.returns.push_back({std::move(name), value.value}); }

  const Model &model_;
  const DType float_;
  const int64_t batch_;
  Graph graph_;
  StandIns stand_ins_;
  const Scope optimizer_scope_{graph_, "/optimizer"};
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
    {Entry::calibrate, "calibrate", &Builder::calibrate, true, false},
    {Entry::train_step, "train_step", &Builder::train_step, true, false},
    {Entry::grad_step, "grad_step", &Builder::grad_step, true, true},
    {Entry::accumulate_step, "accumulate_step", &Builder::accumulate_step, true, true},
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

/// Does the entry see data and compute gradients?
static bool trains(Entry entry) {
  return entry == Entry::train_step || entry == Entry::grad_step || entry == Entry::accumulate_step;
}

bool has_parts(const Model &model) {
  return model.losses.size() > 1 || std::ranges::any_of(model.losses, &ModelLoss::is_weighted);
}

bool uses_averages(const Model &model) {
  const JsonValue *average = model.document.at("optimizer").find("average");
  return average && average->boolean_at("use");
}

bool has_entry(const Model &model, Entry entry) {
  if (entry == Entry::schedule)
    return std::ranges::any_of(model.hypers, [](const ModelHyper &hyper) { return hyper.schedule.has_value(); });
  if (entry == Entry::accumulate_step)
    return model.document.at("optimizer").integer_at("accumulate") > 1;
  if (entry == Entry::calibrate)
    return std::ranges::any_of(model.params, [](const ModelParam &param) { return is_calibrated(param.initializer); });
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
    throw Error(entry == Entry::fit               ? "no input is standardized: the model has no statistics to fit"
                : entry == Entry::calibrate       ? "no initializer is 'lsuv': the model has nothing to calibrate"
                : entry == Entry::accumulate_step ? "the optimizer has no 'accumulate': the model has no gradients to add up"
                                                  : "all rates are constant: the model has no schedule");
  if (const BatchLimit limit = model.training_batch(); trains(entry) && batch < limit.least)
    throw Error(fmt::format("{}, got {}", limit.reason, batch), limit.location);
  Builder builder(model, entry, takes_examples(entry) ? batch : 0, float_dtype);
  (builder.*info(entry).build)();
  return builder.finish();
}

Graph build_watch(const Model &model, int64_t batch, DType float_dtype) {
  Builder builder(model, Entry::train_step, batch, float_dtype);
  builder.watch();
  return builder.finish();
}

Graph build_forward(const Model &model, int64_t batch, DType float_dtype) {
  Builder builder(model, Entry::train_step, batch, float_dtype);
  builder.forward();
  return builder.take();
}

} // namespace gradc
