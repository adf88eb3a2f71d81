#include "compiler/model/graphs/update.h"

#include "compiler/model/graphs/streams.h"
#include "compiler/model/tables/averages.h"
#include "compiler/model/tables/constraints.h"
#include "compiler/model/tables/optimizers.h"

#include <algorithm>

namespace gradc {
namespace {

using Hyper = std::function<std::optional<Var>(std::string_view)>;

/// A run-time argument times a factor; nullopt where that is 0.
std::optional<Var> scaled(std::optional<Var> value, double factor) {
  if (!value || factor == 0)
    return std::nullopt;
  return factor == 1 ? *value : factor * *value;
}

/// The proximal step of rate * proximal_l1 * sum(|w|), which is the soft threshold, then the constraint.
Var kept_in_bounds(const ModelParam &param, Var w, Var rate, const Hyper &hyper) {
  if (!param.proximal_l1.empty()) {
    const Var threshold = rate * *hyper(param.proximal_l1);
    w = maximum(w - threshold, number_like(w, 0)) + minimum(w + threshold, number_like(w, 0));
  }
  return param.constraint ? constrained(*param.constraint, w) : w;
}

} // namespace

void append_update(Graph &graph, const Model &model, const Declarations &declared, const std::vector<Value> &gradients,
                   const Writes &writes, DType float_dtype) {
  const JsonValue &attrs = model.document.at("optimizer");
  const OptimizerDef &optimizer = *model.optimizer;
  const Scope scope{graph, "/optimizer"};
  const auto hyper = [&](std::string_view name) -> std::optional<Var> {
    if (!declared.has_scalar(name))
      return std::nullopt;
    return cast(declared.scalar(scope, name), float_dtype);
  };
  const Var rate = *hyper("learning_rate");
  const Var count = cast(declared.scalar(scope, "step"), DType::f64) + 1;
  OptimizerPreparation all{attrs, {}, {}, {}, count, {}, hyper};
  for (size_t p = 0; p < gradients.size(); ++p) {
    all.w.push_back({&scope, declared.params[declared.trained[p]]});
    all.g.push_back({&scope, gradients[p]});
    all.decay_factors.push_back(model.params[declared.trained[p]].decay_factor);
  }
  all.normal = [&](size_t p) {
    return apply("random_normal", {declared.scalar(scope, "seed"), declared.scalar(scope, "step")},
                 {{"stream", gradient_noise_stream(declared.trained[p])}}, all.w[p].type());
  };
  const auto move_average = [&](Var average, Var newest) {
    const Var share = cast(share_of_new(attrs.at("average"), count), float_dtype);
    graph.updates.push_back({average.value, (average + share * (newest - average)).value});
  };
  const std::vector<Var> prepared = optimizer.prepare(all);
  for (size_t p = 0; p < prepared.size(); ++p) {
    const std::vector<Slot> slots = optimizer.slots(attrs, all.w[p].shape());
    const auto slot = [&](std::string_view name) {
      const auto position = std::ranges::find(slots, name, &Slot::name) - slots.begin();
      return declared.slots[p].at(static_cast<size_t>(position));
    };
    const ModelParam &param = model.params[declared.trained[p]];
    const Var own_rate = param.rate_factor == 1 ? rate : param.rate_factor * rate;
    const OptimizerStep step{
        attrs,
        all.w[p],
        prepared[p],
        own_rate,
        count,
        scaled(hyper("weight_decay"), param.decay_factor),
        [&](std::string_view name) { return Var{&scope, slot(name)}; },
        [&](std::string_view name, Var value) { graph.updates.push_back({slot(name), value.value}); }};
    const Var updated = kept_in_bounds(param, optimizer.update(step), own_rate, hyper);
    graph.updates.push_back({declared.params[declared.trained[p]], updated.value});
    if (!declared.averages.empty())
      move_average({&scope, declared.averages[p]}, updated);
  }
  for (size_t b = 0; b < declared.buffers.size(); ++b)
    if (const std::optional<Value> average = declared.buffer_averages[b])
      move_average({&scope, *average}, {&scope, writes.current(declared.buffers[b])});
}

} // namespace gradc
