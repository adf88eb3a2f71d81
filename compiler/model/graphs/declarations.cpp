#include "compiler/model/graphs/declarations.h"

#include "compiler/model/tables/optimizers.h"
#include "ir/error.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace gradc {

std::string location_of(const ModelParam &param) { return fmt::format("/layers/{}", param.layer); }
std::string location_of(const ModelBuffer &buffer) { return fmt::format("/layers/{}", buffer.layer); }
std::string location_of(const ModelInput &input) { return "/inputs/" + input.name; }

std::string location_of_initializer(const Model &model, const ModelParam &param) {
  const Span own = param.initializer.span;
  for (const JsonMember &member : model.layers[param.layer].attrs.members)
    if (member.key.ends_with("initializer") && member.value.span.source == own.source && member.value.span.begin == own.begin)
      return location_of(param) + "/" + member.key;
  return location_of(param);
}

Var Declarations::scalar(const Scope &scope, std::string_view name) const {
  auto it = scalars.find(name);
  internal_check(it != scalars.end(), "the model has no run-time argument " + std::string(name));
  return {&scope, it->second};
}

static Statistics declare_statistics(Graph &graph, const ModelInput &input) {
  auto buffer = [&](Lifetime lifetime, const char *name, Shape shape, std::optional<double> least) {
    const Value v = graph.declare_buffer({lifetime, Writer::fit}, fmt::format("{}.{}", input.name, name),
                                         {DType::f64, std::move(shape)}, location_of(input));
    if (least)
      graph[v].domain = Domain{*least};
    return v;
  };
  Statistics s;
  s.mean = buffer(Lifetime::model, "mean", input.shape, {});
  s.deviation = buffer(Lifetime::model, "deviation", input.shape, std::numeric_limits<double>::denorm_min());
  s.count = buffer(Lifetime::run, "count", {}, 0);
  s.squares = buffer(Lifetime::run, "squares", input.shape, 0);
  return s;
}

static SpectralVectors declare_spectral(Graph &graph, const ModelParam &param, DType float_dtype) {
  auto vector = [&](const char *name, Shape shape) {
    return graph.declare_buffer({Lifetime::model, Writer::data}, param.name + "." + name, {float_dtype, std::move(shape)},
                                location_of(param));
  };
  return {vector("spectral_u", {param.shape.back()}), vector("spectral_v", Shape(param.shape.begin(), param.shape.end() - 1))};
}

/// The buffers of layers, and their averages where `average`, the optimizer's, is not null.
static void declare_buffers(Graph &graph, const Model &model, const JsonValue *average, DType float_dtype, Declarations &d) {
  const auto declare = [&](const ModelBuffer &b, Writer writer, const std::string &name) {
    const Value v = graph.declare_buffer({Lifetime::model, writer}, name, {float_dtype, b.shape}, location_of(b));
    if (b.least)
      graph[v].domain = Domain{*b.least};
    return v;
  };
  for (const ModelBuffer &b : model.buffers) {
    d.buffer_of_name[b.name] = d.buffers.size();
    d.buffers.push_back(declare(b, Writer::data, b.name));
  }
  for (const ModelBuffer &b : model.buffers)
    d.buffer_averages.push_back(average && b.written
                                    ? std::optional(declare(b, Writer::update, b.name + "." + average->string_at("type")))
                                    : std::nullopt);
}

std::optional<Value> Declarations::average_of(size_t param) const {
  const auto found = std::ranges::find(trained, param);
  if (averages.empty() || found == trained.end())
    return std::nullopt;
  return averages[static_cast<size_t>(found - trained.begin())];
}

Declarations declare(Graph &graph, const Model &model, Entry entry, int64_t batch, DType float_dtype) {
  Declarations d;
  for (const ModelInput &input : model.inputs) {
    Type type{input.dtype_in(float_dtype), {batch}};
    type.shape.insert(type.shape.end(), input.shape.begin(), input.shape.end());
    d.inputs.push_back(graph.declare(Role::input, input.name, type, location_of(input)));
    graph[d.inputs.back()].below = input.classes;
    graph[d.inputs.back()].ignored = input.ignored;
    graph[d.inputs.back()].domain = input.raw_domain();
  }
  for (const char *name : {"seed", "step", "total_steps"})
    d.scalars[name] = graph.declare(Role::scalar, name, {DType::i64, {}});
  for (const ModelHyper &hyper : model.hypers) {
    const Value scalar = graph.declare(Role::scalar, hyper.name, {DType::f64, {}}, hyper.location);
    const auto [least, most] = limits_in(float_dtype, *hyper.attr);
    graph[scalar].domain = Domain{least, most};
    d.scalars[hyper.name] = scalar;
  }
  for (const ModelParam &p : model.params) {
    if (p.trainable)
      d.trained.push_back(d.params.size());
    d.param_of_name[p.name] = d.params.size();
    d.params.push_back(graph.declare(Role::param, p.name, {float_dtype, p.shape}, location_of(p)));
  }
  for (size_t number : d.trained) {
    const ModelParam &p = model.params[number];
    d.slots.emplace_back();
    for (const Slot &slot : model.optimizer->slots(model.document.at("optimizer"), p.shape))
      d.slots.back().push_back(graph.declare(Role::slot, fmt::format("{}.{}", p.name, slot.name),
                                             {float_dtype, slot.is_scalar ? Shape{} : p.shape}, location_of(p)));
  }
  if (gradients_cross(entry))
    for (size_t number : d.trained) {
      const ModelParam &p = model.params[number];
      d.grads.push_back(graph.declare(Role::grad, p.name + ".grad", {float_dtype, p.shape}, location_of(p)));
    }
  const JsonValue *average = model.document.at("optimizer").find("average");
  if (average)
    for (size_t number : d.trained) {
      const ModelParam &p = model.params[number];
      d.averages.push_back(graph.declare_buffer({Lifetime::model, Writer::update}, p.name + "." + average->string_at("type"),
                                                {float_dtype, p.shape}, location_of(p)));
    }
  for (const ModelParam &p : model.params)
    d.spectral.push_back(p.spectral_norm ? std::optional(declare_spectral(graph, p, float_dtype)) : std::nullopt);
  declare_buffers(graph, model, average, float_dtype, d);
  for (const ModelInput &input : model.inputs)
    d.statistics.push_back(input.preprocessing.standardize ? std::optional(declare_statistics(graph, input))
                                                           : std::nullopt);
  return d;
}

} // namespace gradc
