#include "compiler/engines/call_values.h"

#include "compiler/codegen/entries/model_table.h"

namespace gradc {
namespace {

Tensor scalar(const gradc_call &call, const ModelSpec &spec, const Node &node) {
  Tensor tensor(node.type);
  switch (call_field(node.name)) {
  case CallField::seed: tensor.set_integer(0, call.seed); break;
  case CallField::step: tensor.set_integer(0, call.step); break;
  case CallField::total_steps: tensor.set_integer(0, call.total_steps); break;
  case CallField::hyper:
    for (size_t i = 0; i < spec.hypers.size(); ++i)
      if (spec.hypers[i].first == node.name)
        tensor.set(0, call.hypers ? call.hypers[i] : spec.hypers[i].second);
  }
  return tensor;
}

} // namespace

char *address_of(const gradc_call &call, const Placement &place) {
  return static_cast<char *>(call.arenas[arena_of(place.space)]) + place.offset;
}

Bindings call_values(const gradc_call &call, const ModelSpec &spec, const Graph &planned) {
  Bindings bindings;
  const std::vector<std::vector<Value>> users = planned.users();
  for (Value v = 0; v < planned.size(); ++v) {
    const Node &node = planned[v];
    const Placement &place = planned.plan->places[v];
    if (!node.is_declaration())
      continue;
    if (node.role == Role::scalar)
      bindings[node.name] = scalar(call, spec, node);
    else if (users[v].empty() || node.type.elements() == 0)
      bindings[node.name] = Tensor(node.type);
    else
      bindings[node.name] =
          Tensor::from_bytes(node.type, node.role == Role::input ? call.inputs[place.index] : address_of(call, place));
  }
  return bindings;
}

} // namespace gradc
