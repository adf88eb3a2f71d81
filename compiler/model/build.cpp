// The graphs of the entry points: the model's layers and losses as primitive ops, differentiated, followed by
// the optimizer's rule.
#include "compiler/model/tables/activations.h"
#include "compiler/model/tables/initializers.h"
#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/losses.h"
#include "compiler/model/tables/metrics.h"
#include "compiler/model/model.h"
#include "compiler/model/tables/optimizers.h"
#include "compiler/model/tables/schedules.h"
#include "passes/differentiate.h"

#include <fmt/format.h>
#include <iterator>
#include <map>

namespace gradc {
namespace {

// Initial values and dropout draw from different streams.
int64_t initial_stream(size_t param) { return 2 * static_cast<int64_t>(param); }
int64_t layer_stream(size_t layer) { return 2 * static_cast<int64_t>(layer) + 1; }

class Builder {
public:
  Builder(const Model &model, Entry entry, int64_t batch, DType float_dtype)
      : model_(model), entry_(entry), batch_(batch), float_(float_dtype),
        optimizer_(model.document.at("optimizer")) {
    graph_.name = fmt::format("{}_{}", model.name, to_string(entry));
    declare();
  }

  Graph init() {
    Scope scope = at("");
    const Var step{&scope, graph_.constant(0, {DType::i64, {}})};
    for (size_t p = 0; p < params_.size(); ++p) {
      scope.location = graph_[params_[p]].location;
      const Var value = initial_value(model_.params[p].initializer, graph_.type(params_[p]),
                                      scalar(scope, "seed"), step, initial_stream(p));
      graph_.updates.push_back({params_[p], value.value});
    }
    for (const auto &[name, slot] : slots_)
      graph_.updates.push_back({slot, graph_.constant(0, graph_.type(slot), graph_[slot].location)});
    return std::move(graph_);
  }

  Graph forward() {
    return_loss(loss(true));
    return std::move(graph_);
  }

  Graph train_step() {
    const std::vector<Value> gradients = differentiated();
    update(gradients);
    drop_stand_ins(graph_, stand_ins_);
    return std::move(graph_);
  }

  Graph grad_step() {
    const std::vector<Value> gradients = differentiated();
    for (size_t p = 0; p < params_.size(); ++p)
      graph_.updates.push_back({grads_[p], gradients[p]});
    drop_stand_ins(graph_, stand_ins_);
    return std::move(graph_);
  }

  Graph apply() {
    update(grads_);
    return std::move(graph_);
  }

  Graph evaluate() {
    const Value total = loss(false);
    Scope scope = at("/loss");
    add_return("loss.sum", cast(Var{&scope, total}, DType::f64) * static_cast<double>(batch_));
    for (size_t i = 0; i < model_.metrics.size(); ++i) {
      const ModelMetric &metric = model_.metrics[i];
      scope.location = fmt::format("/metrics/{}", i);
      const Var prediction{&scope, values_.at(metric.prediction)};
      const Var target = fit_target(*metric.loss, {&scope, values_.at(metric.target)}, prediction);
      const std::vector<Var> sums = metric.def->build(metric.loss->link, prediction, target);
      for (size_t t = 0; t < sums.size(); ++t)
        add_return(fmt::format("{}.{}", metric.name, metric.def->terms[t]), sums[t]);
    }
    drop_stand_ins(graph_, stand_ins_);
    return std::move(graph_);
  }

  Graph predict() {
    run_layers(false);
    for (Source output : model_.outputs) {
      Scope scope = at(graph_[values_.at(output)].location);
      const Var y{&scope, values_.at(output)};
      add_return(model_.name_of(output), y);
      if (Link link = link_of(output); link != Link::none)
        add_return(model_.name_of(output) + ".probabilities",
                   link == Link::softmax ? softmax(y) : sigmoid(y));
    }
    drop_stand_ins(graph_, stand_ins_);
    return std::move(graph_);
  }

  Graph schedule() {
    Scope scope = at("/optimizer/learning_rate");
    add_return("learning_rate", learning_rate(optimizer_.at("learning_rate"), scalar(scope, "learning_rate"),
                                              scalar(scope, "step"), scalar(scope, "total_steps")));
    return std::move(graph_);
  }

private:
  Scope at(std::string location) { return {graph_, std::move(location), &stand_ins_}; }

  // Every entry declares the same values in the same order, but for gradients.
  void declare() {
    for (const ModelInput &input : model_.inputs) {
      Type type{is_float(input.dtype) ? float_ : input.dtype, {batch_}};
      type.shape.insert(type.shape.end(), input.shape.begin(), input.shape.end());
      values_[values_.size()] = graph_.declare(Role::input, input.name, type, "/inputs/" + input.name);
    }
    for (const char *name : {"seed", "step", "total_steps"})
      scalars_[name] = graph_.declare(Role::scalar, name, {DType::i64, {}});
    for (const ModelHyper &hyper : model_.hypers)
      scalars_[hyper.name] = graph_.declare(Role::scalar, hyper.name, {DType::f64, {}}, hyper.location);
    for (const ModelParam &p : model_.params)
      params_.push_back(graph_.declare(Role::param, p.name, {float_, p.shape}, location_of(p)));
    for (const ModelParam &p : model_.params)
      for (std::string_view slot : model_.optimizer->slots(optimizer_)) {
        const std::string name = fmt::format("{}.{}", p.name, slot);
        slots_.emplace_back(name, graph_.declare(Role::slot, name, {float_, p.shape}, location_of(p)));
      }
    if (entry_ == Entry::grad_step || entry_ == Entry::apply)
      for (const ModelParam &p : model_.params)
        grads_.push_back(graph_.declare(Role::grad, p.name + ".grad", {float_, p.shape}, location_of(p)));
  }

  static std::string location_of(const ModelParam &p) { return fmt::format("/layers/{}", p.layer); }

  Var scalar(Scope &scope, const std::string &name) { return {&scope, scalars_.at(name)}; }
  Var hyper(Scope &scope, const std::string &name) { return cast(scalar(scope, name), float_); }

  Value param(const std::string &name) const {
    for (size_t p = 0; p < params_.size(); ++p)
      if (model_.params[p].name == name)
        return params_[p];
    throw InternalFault("no parameter " + name);
  }

  void run_layers(bool training) {
    for (size_t i : model_.order) {
      const ModelLayer &layer = model_.layers[i];
      Scope scope = at(fmt::format("/layers/{}", i));
      std::vector<Var> inputs;
      for (Source s : layer.sources)
        inputs.push_back({&scope, values_.at(s)});
      const LayerBuild build{
          layer.attrs,
          layer.output,
          batch_,
          std::move(inputs),
          training,
          layer_stream(i),
          scalar(scope, "seed"),
          scalar(scope, "step"),
          [&](std::string_view name) { return Var{&scope, param(fmt::format("{}.{}", layer.name, name))}; },
          [&](std::string_view name) { return hyper(scope, fmt::format("{}.{}", layer.name, name)); }};
      values_[model_.inputs.size() + i] = layer.def->build(build).value;
    }
  }

  /// The sum of the losses and regularizers, in the dtype of the model.
  Value loss(bool training) {
    run_layers(training);
    std::optional<Value> total;
    Scope scope = at("");
    auto add = [&](Var term) { total = total ? (Var{&scope, *total} + term).value : term.value; };
    for (size_t i = 0; i < model_.losses.size(); ++i) {
      const ModelLoss &loss = model_.losses[i];
      scope.location = fmt::format("/loss/{}", i);
      const Var prediction{&scope, values_.at(loss.prediction)};
      const Var target = fit_target(*loss.def, {&scope, values_.at(loss.target)}, prediction);
      const Var value = loss.def->build(prediction, target);
      add(loss.weight == 1 ? value : loss.weight * value);
    }
    for (size_t p = 0; p < params_.size(); ++p) {
      scope.location = location_of(model_.params[p]);
      const Var w{&scope, params_[p]};
      if (const std::string &l1 = model_.params[p].l1; !l1.empty())
        add(hyper(scope, l1) * sum(abs(w)));
      if (const std::string &l2 = model_.params[p].l2; !l2.empty())
        add(hyper(scope, l2) * sum(square(w)));
    }
    return *total;
  }

  std::vector<Value> differentiated() {
    const Value total = loss(true);
    std::vector<Value> gradients = differentiate(graph_, total, params_);
    for (size_t p = 0; p < params_.size(); ++p)
      graph_.gradients.push_back({params_[p], gradients[p]});
    return_loss(total);
    return gradients;
  }

  void return_loss(Value total) {
    Scope scope = at("/loss");
    add_return("loss", cast(Var{&scope, total}, DType::f64));
  }

  void add_return(std::string name, Var value) { graph_.returns.push_back({std::move(name), value.value}); }

  Value slot(const std::string &name) const {
    for (const auto &[candidate, value] : slots_)
      if (candidate == name)
        return value;
    throw InternalFault("no optimizer slot " + name);
  }

  void update(const std::vector<Value> &gradients) {
    Scope scope = at("/optimizer");
    const Var rate = hyper(scope, "learning_rate");
    const Var count = cast(scalar(scope, "step"), DType::f64) + 1;
    std::optional<Var> decay;
    if (scalars_.contains("weight_decay"))
      decay = hyper(scope, "weight_decay");
    for (size_t p = 0; p < params_.size(); ++p) {
      const Var w{&scope, params_[p]};
      Var g{&scope, gradients[p]};
      if (decay && !model_.optimizer->decoupled)
        g = g + *decay * w;
      auto name = [&](std::string_view slot) { return fmt::format("{}.{}", model_.params[p].name, slot); };
      const OptimizerStep step{
          optimizer_,
          w,
          g,
          rate,
          count,
          decay,
          [&](std::string_view s) { return Var{&scope, slot(name(s))}; },
          [&](std::string_view s, Var value) { graph_.updates.push_back({slot(name(s)), value.value}); }};
      graph_.updates.push_back({params_[p], model_.optimizer->update(step).value});
    }
  }

  Link link_of(Source output) const {
    for (const ModelLoss &loss : model_.losses)
      if (loss.prediction == output)
        return loss.def->link;
    return Link::none;
  }

  const Model &model_;
  const Entry entry_;
  const int64_t batch_;
  const DType float_;
  const JsonValue &optimizer_;
  Graph graph_;
  StandIns stand_ins_;
  std::map<Source, Value> values_;
  std::map<std::string, Value> scalars_;
  std::vector<Value> params_, grads_; // as model.params
  std::vector<std::pair<std::string, Value>> slots_;
};

constexpr std::string_view kEntryNames[] = {"init",     "train_step", "grad_step", "apply",
                                            "evaluate", "predict",    "schedule"};

} // namespace

std::string_view to_string(Entry entry) { return kEntryNames[static_cast<size_t>(entry)]; }

std::optional<Entry> parse_entry(std::string_view name) {
  for (Entry entry : kEntries)
    if (to_string(entry) == name)
      return entry;
  return std::nullopt;
}

bool takes_examples(Entry entry) {
  return entry == Entry::train_step || entry == Entry::grad_step || entry == Entry::evaluate ||
         entry == Entry::predict;
}

bool has_entry(const Model &model, Entry entry) {
  return entry != Entry::schedule || !is_constant(model.document.at("optimizer").at("learning_rate"));
}

std::vector<Entry> entries_of(const Model &model) {
  std::vector<Entry> entries;
  for (Entry entry : kEntries)
    if (has_entry(model, entry))
      entries.push_back(entry);
  return entries;
}

Graph build_graph(const Model &model, Entry entry, int64_t batch, DType float_dtype) {
  if (!has_entry(model, entry))
    throw Error("the learning rate is constant: the model has no schedule");
  Builder builder(model, entry, takes_examples(entry) ? batch : 0, float_dtype);
  switch (entry) {
  case Entry::init:
    return builder.init();
  case Entry::train_step:
    return builder.train_step();
  case Entry::grad_step:
    return builder.grad_step();
  case Entry::apply:
    return builder.apply();
  case Entry::evaluate:
    return builder.evaluate();
  case Entry::predict:
    return builder.predict();
  case Entry::schedule:
    return builder.schedule();
  }
  throw InternalFault("no such entry");
}

Graph build_forward(const Model &model, int64_t batch, DType float_dtype) {
  return Builder(model, Entry::train_step, batch, float_dtype).forward();
}

} // namespace gradc
