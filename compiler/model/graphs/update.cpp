#include "compiler/model/graphs/update.h"

#include "compiler/model/tables/optimizers.h"

#include <algorithm>

namespace gradc {

void append_update(Graph &graph, const Model &model, const Declarations &declared, const std::vector<Value> &gradients,
                   DType float_dtype) {
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
  OptimizerPreparation all{attrs, {}, {}, hyper};
  for (size_t p = 0; p < gradients.size(); ++p) {
    all.w.push_back({&scope, declared.params[declared.trained[p]]});
    all.g.push_back({&scope, gradients[p]});
  }
  const std::vector<Var> prepared = optimizer.prepare(all);
  for (size_t p = 0; p < prepared.size(); ++p) {
    const std::vector<Slot> slots = optimizer.slots(attrs, all.w[p].shape());
    const auto slot = [&](std::string_view name) {
      const auto position = std::ranges::find(slots, name, &Slot::name) - slots.begin();
      return declared.slots[p].at(static_cast<size_t>(position));
    };
    const OptimizerStep step{
        attrs,
        all.w[p],
        prepared[p],
        rate,
        count,
        hyper("weight_decay"),
        [&](std::string_view name) { return Var{&scope, slot(name)}; },
        [&](std::string_view name, Var value) { graph.updates.push_back({slot(name), value.value}); }};
    graph.updates.push_back({declared.params[declared.trained[p]], optimizer.update(step).value});
  }
}

} // namespace gradc
