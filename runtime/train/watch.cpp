#include "runtime/train/watch.h"

#include "runtime/core/core.h"
#include "runtime/train/error.h"
#include "runtime/train/signature.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace gradc::runtime {
namespace {

constexpr std::string_view kGradient = ".gradient", kActive = ".active"; // ends of the names of outputs

double norm(const std::vector<double> &values) {
  double sum = 0;
  for (double x : values)
    sum += x * x;
  return std::sqrt(sum);
}

std::optional<double> share_of_zeros(const std::vector<double> &active) {
  if (active.empty())
    return std::nullopt;
  return static_cast<double>(std::ranges::count(active, 0.0)) / static_cast<double>(active.size());
}

} // namespace

Watch::Watch(Instance &instance, int64_t batch) : instance_(instance) {
  const gradc_model &model = instance.model();
  const Outputs &known = look(batch).outputs;
  for (int32_t i = 0; i < known.count(); ++i) {
    const std::string name = known.value(i).name;
    if (!name.ends_with(kGradient))
      continue;
    const std::string param = name.substr(0, name.size() - kGradient.size());
    for (int32_t t = 0; t < model.tensor_count; ++t)
      if (const gradc_tensor *tensor = gradc_tensor_at(&model, t); tensor->name == param)
        layer(param.substr(0, param.rfind('.'))).tensors.push_back(tensor);
  }
}

Watch::Layer &Watch::layer(const std::string &name) {
  const auto found = std::ranges::find(layers_, name, &Layer::name);
  return found != layers_.end() ? *found : layers_.emplace_back(Layer{name, {}, {}, 0, 0, 0, {}, {}});
}

Watch::Look &Watch::look(int64_t batch) {
  if (const auto known = looks_.find(batch); known != looks_.end())
    return known->second;
  const gradc_model &model = instance_.model();
  for (int32_t i = 0; i < model.entry_count; ++i)
    if (const gradc_entry *entry = gradc_entry_at(&model, i); entry->name == std::string_view("watch") && entry->batch == batch)
      return looks_.emplace(batch, Look{entry, Outputs(model, *entry)}).first->second;
  throw Error(fmt::format("model '{}' was not compiled to be watched in batches of {}", model.name, batch));
}

std::vector<double> Watch::elements(const Layer &layer) const {
  const gradc_call call = instance_.call(nullptr, looks_.begin()->second.outputs, {});
  std::vector<double> values;
  for (const gradc_tensor *tensor : layer.tensors)
    for (int64_t i = 0; i < tensor->bytes / dtype_bytes(tensor->dtype); ++i)
      values.push_back(
          gradc_core_float_at(static_cast<const char *>(call.arenas[tensor->arena]) + tensor->offset, tensor->dtype, i));
  return values;
}

void Watch::before(const void *const *inputs, int64_t batch, const Position &position) {
  const auto &[entry, results] = look(batch);
  instance_.run(*entry, inputs, results, position);
  for (Layer &layer : layers_) {
    layer.before = elements(layer);
    layer.gradient = 0;
  }
  for (int32_t i = 0; i < results.count(); ++i) {
    const std::string name = results.value(i).name;
    if (name.ends_with(kGradient))
      layer(name.substr(0, name.substr(0, name.size() - kGradient.size()).rfind('.'))).gradient += results.scalar(i);
    else
      layer(name.substr(0, name.size() - kActive.size())).active = results.numbers(i);
  }
}

std::vector<LayerWatch> Watch::after() {
  std::vector<LayerWatch> step;
  for (Layer &layer : layers_) {
    std::vector<double> moved = elements(layer);
    const double parameters = norm(moved), gradient = std::sqrt(layer.gradient);
    for (size_t i = 0; i < moved.size(); ++i)
      moved[i] -= layer.before[i];
    layer.gradients += gradient;
    layer.updates += norm(moved);
    layer.active_in_epoch.resize(layer.active.size());
    for (size_t i = 0; i < layer.active.size(); ++i)
      layer.active_in_epoch[i] += layer.active[i];
    step.push_back({layer.name, parameters, gradient, norm(moved), share_of_zeros(layer.active)});
  }
  ++steps_;
  return step;
}

std::vector<LayerWatch> Watch::epoch() {
  std::vector<LayerWatch> epoch;
  const auto steps = static_cast<double>(steps_);
  for (Layer &layer : layers_) {
    epoch.push_back({layer.name, norm(elements(layer)), layer.gradients / steps, layer.updates / steps,
                     share_of_zeros(layer.active_in_epoch)});
    layer.gradients = layer.updates = 0;
    layer.active_in_epoch.clear();
  }
  steps_ = 0;
  return epoch;
}

} // namespace gradc::runtime
