#include "compiler/model/graphs/forward.h"

#include "compiler/model/graphs/preprocessing.h"
#include "compiler/model/graphs/streams.h"
#include "compiler/model/graphs/weights.h"
#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/losses.h"
#include "compiler/model/tables/schedules.h"

#include <fmt/format.h>

namespace gradc {

Forward::Forward(Graph &graph, const Model &model, const Declarations &declared, StandIns &stand_ins, DType float_dtype)
    : graph_(graph), model_(model), declared_(declared), stand_ins_(stand_ins), float_(float_dtype) {}

Var Forward::hyper(const Scope &scope, std::string_view name) const { return cast(declared_.scalar(scope, name), float_); }

std::vector<Value> Forward::declared_inputs() {
  std::vector<Value> inputs;
  for (size_t i = 0; i < model_.inputs.size(); ++i) {
    const Scope scope{graph_, location_of(model_.inputs[i]), &stand_ins_};
    inputs.push_back(
        preprocessed(model_.inputs[i], declared_.statistics[i], {&scope, declared_.inputs[i]}, float_).value);
  }
  return inputs;
}

std::vector<Value> Forward::operator()(const std::vector<Value> &inputs, bool training, Calibration *calibration) {
  std::vector<Value> values = inputs;
  values.resize(model_.inputs.size() + model_.layers.size());
  const int64_t batch = graph_.type(inputs[0]).shape[0];
  const auto scope_of = [&](size_t i) { return Scope{graph_, fmt::format("/layers/{}", i), &stand_ins_}; };
  for (size_t i : model_.order) {
    const Scope scope = scope_of(i);
    values[model_.inputs.size() + i] = layer(i, scope, values, batch, training, calibration).value;
  }
  for (size_t i = 0; i < model_.layers.size(); ++i)
    if (!model_.layers[i].per_example) {
      const Scope scope = scope_of(i);
      Value &value = values[model_.inputs.size() + i];
      value = repeated({&scope, value}, batch).value;
    }
  ++calls_;
  return values;
}

Var Forward::repeated(Var value, int64_t batch) const {
  Shape shape = value.shape();
  shape.insert(shape.begin(), batch);
  return apply("broadcast", {value}, {}, Type{value.dtype(), std::move(shape)});
}

Var Forward::layer(size_t index, const Scope &scope, const std::vector<Value> &values, int64_t batch, bool training,
                   Calibration *calibration) {
  const ModelLayer &layer = model_.layers[index];
  const bool as_they_are = layer.def->reads_values_as_they_are;
  const bool batch_of_one = !as_they_are && !layer.per_example;
  std::vector<Var> sources;
  for (Source s : layer.sources) {
    Var value{&scope, values[s]};
    if (!as_they_are && !model_.is_per_example(s))
      value = repeated(value, batch_of_one ? 1 : batch);
    sources.push_back(value);
  }
  const std::string &owner = model_.layers[layer.weights_of.value_or(index)].name;
  const auto param_of = [&](std::string_view name) { return declared_.param_of_name.at(fmt::format("{}.{}", owner, name)); };
  const auto buffer_of = [&](std::string_view name) { return declared_.buffer_of_name.at(fmt::format("{}.{}", owner, name)); };
  const LayerBuild build{
      layer.attrs,
      layer.output,
      batch_of_one ? 1 : batch,
      float_,
      std::move(sources),
      training,
      layer_stream(calls_, index, model_.layers.size()),
      declared_.scalar(scope, "seed"),
      declared_.scalar(scope, "step"),
      [&](std::string_view name) { return seen_weight(model_, declared_, scope, param_of(name), training, writes_); },
      [&](std::string_view name, Var y) { return calibration ? calibration->scaled(param_of(name), y) : y; },
      [&](std::string_view name) { return hyper(scope, fmt::format("{}.{}", layer.name, name)); },
      model_.is_trainable(index),
      [&](std::string_view name) { return Var{&scope, seen_buffer(buffer_of(name), training)}; },
      [&](std::string_view name, Var value) { writes_.set(declared_.buffers[buffer_of(name)], value.value); }};
  const Var result = layer.def->build(build);
  return batch_of_one ? reshape(result, layer.output) : result;
}

Value Forward::seen_buffer(size_t buffer, bool training) const {
  if (training)
    return writes_.current(declared_.buffers[buffer]);
  const std::optional<Value> average = declared_.buffer_averages[buffer];
  return average && uses_averages(model_) ? *average : declared_.buffers[buffer];
}

LossTerms Forward::terms(const Scope &scope, const ModelLoss &loss, const std::vector<Value> &values) const {
  LossBuild build{loss.attrs, float_};
  for (Source s : loss.named)
    build.named.push_back({&scope, values[s]});
  for (size_t i = 0; i < loss.operands.size(); ++i)
    if (loss.operands[i]) {
      const LossOperand &operand = loss.def->operands[i];
      const Var value{&scope, values[*loss.operands[i]]}, prediction{&scope, values[loss.prediction()]};
      build.operands.emplace_back(operand.key, fit_operand(operand, loss.attrs, value, prediction));
    }
  return loss.def->build(build);
}

LossFraction Forward::fraction(const Scope &scope, const ModelLoss &loss, const std::vector<Value> &values) const {
  std::optional<Var> weights;
  if (loss.example_weights)
    weights = Var{&scope, values[*loss.example_weights]};
  return fraction_of(terms(scope, loss, values), weights);
}

Value Forward::loss(const std::vector<Value> &values) {
  std::optional<Value> total;
  Scope scope{graph_, "", &stand_ins_};
  auto add = [&](Var term) { total = total ? (Var{&scope, *total} + term).value : term.value; };
  for (size_t i = 0; i < model_.losses.size(); ++i) {
    const ModelLoss &loss = model_.losses[i];
    scope.location = fmt::format("/loss/{}", i);
    const Var value = loss.is_weighted() ? value_of(fraction(scope, loss, values)) : mean_of(terms(scope, loss, values));
    add(loss.weight == 1 ? value : loss.weight * value);
  }
  if (const std::optional<Value> penalties = penalty(values))
    add({&scope, *penalties});
  return *total;
}

std::optional<Value> Forward::penalty(const std::vector<Value> &values) {
  std::optional<Value> total;
  Scope scope{graph_, "", &stand_ins_};
  auto add = [&](Var term) { total = total ? (Var{&scope, *total} + term).value : term.value; };
  for (size_t p = 0; p < model_.params.size(); ++p) {
    if (!model_.params[p].trainable)
      continue;
    scope.location = location_of(model_.params[p]);
    const Var w{&scope, declared_.params[p]};
    if (const std::string &l1 = model_.params[p].l1; !l1.empty())
      add(hyper(scope, l1) * sum(abs(w)));
    if (const std::string &l2 = model_.params[p].l2; !l2.empty())
      add(hyper(scope, l2) * sum(square(w)));
  }
  for (size_t i = 0; i < model_.layers.size(); ++i) {
    scope.location = fmt::format("/layers/{}", i);
    const Var y{&scope, values[model_.inputs.size() + i]};
    const double examples = static_cast<double>(y.shape()[0]);
    const auto factor = [&](const char *key) { return hyper(scope, fmt::format("{}.{}", model_.layers[i].name, key)) * (1 / examples); };
    if (initial_of(model_.layers[i].attrs.at("activity_l1")) > 0)
      add(factor("activity_l1") * sum(abs(y)));
    if (initial_of(model_.layers[i].attrs.at("activity_l2")) > 0)
      add(factor("activity_l2") * sum(square(y)));
  }
  return total;
}

} // namespace gradc
