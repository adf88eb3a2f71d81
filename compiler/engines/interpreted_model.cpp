#include "compiler/engines/interpreted_model.h"

#include "ir/interpreter.h"
#include "runtime/core/core.h"

#include <algorithm>
#include <cstring>

namespace gradc {
namespace {

gradc_value describe(const std::string &name, DType dtype, const Shape &shape) {
  gradc_value value{name.c_str(), static_cast<int32_t>(dtype), static_cast<int32_t>(shape.size()), {}};
  std::copy(shape.begin(), shape.end(), value.dims);
  return value;
}

// What one entry needs at run time.
struct EntryContext {
  const ModelSpec *spec;
  const EntrySpec *entry;
  std::vector<gradc_value> outputs;
};

char *arena_address(const gradc_call &call, const Placement &p) {
  int arena = p.space == Placement::Space::params  ? GRADC_PARAMS
              : p.space == Placement::Space::slots ? GRADC_SLOTS
                                                   : GRADC_GRADS;
  return static_cast<char *>(call.arenas[arena]) + p.offset;
}

Tensor scalar(const gradc_call &call, const ModelSpec &spec, const Node &node) {
  Tensor tensor(node.type);
  if (node.name == "seed")
    tensor.set_integer(0, call.seed);
  else if (node.name == "step")
    tensor.set_integer(0, call.step);
  else if (node.name == "total_steps")
    tensor.set_integer(0, call.total_steps);
  else
    for (size_t i = 0; i < spec.hypers.size(); ++i)
      if (spec.hypers[i].first == node.name)
        tensor.set(0, call.hypers ? call.hypers[i] : spec.hypers[i].second);
  return tensor;
}

int32_t run_entry(const gradc_entry *self, const gradc_call *call) {
  const auto *context = static_cast<const EntryContext *>(self->context);
  const Graph &graph = context->entry->graph;
  if (call->struct_size < sizeof(gradc_call))
    return GRADC_BAD_CALL;
  Bindings bindings;
  std::vector<std::vector<Value>> users = graph.users();
  for (Value v = 0; v < graph.size(); ++v) {
    const Node &node = graph[v];
    const Placement &place = graph.plan->places[v];
    if (node.role == Role::scalar) {
      bindings[node.name] = scalar(*call, *context->spec, node);
    } else if (node.role == Role::input) {
      if (!users[v].empty() && (!call->inputs || !call->inputs[place.index]))
        return GRADC_BAD_CALL;
      bindings[node.name] = users[v].empty() ? Tensor(node.type) : Tensor::from_bytes(node.type, call->inputs[place.index]);
    } else if (is_state(node.role)) {
      bindings[node.name] = Tensor::from_bytes(node.type, arena_address(*call, place));
    }
  }
  std::vector<Tensor> results = interpret(graph, bindings);
  for (size_t i = 0; i < results.size(); ++i) {
    std::vector<std::byte> bytes = results[i].to_bytes();
    std::memcpy(call->outputs[i], bytes.data(), bytes.size());
  }
  for (const Update &update : graph.updates) {
    std::vector<std::byte> bytes = bindings.find(graph[update.target].name)->second.to_bytes();
    std::memcpy(arena_address(*call, graph.plan->places[update.target]), bytes.data(), bytes.size());
  }
  return GRADC_OK;
}

} // namespace

struct InterpretedModel::State {
  ModelSpec spec;
  std::vector<EntryContext> contexts;
  std::vector<gradc_tensor> tensors;
  std::vector<gradc_value> inputs;
  std::vector<gradc_hyper> hypers;
  std::vector<gradc_entry> entries;
  gradc_model table{};

  void collect_states();
  void collect_inputs();
};

void InterpretedModel::State::collect_states() {
  for (const EntrySpec &e : spec.entries)
    for (Value v = 0; v < e.graph.size(); ++v) {
      const Node &node = e.graph[v];
      bool known = std::any_of(tensors.begin(), tensors.end(), [&](const gradc_tensor &t) { return t.name == node.name; });
      if (!is_state(node.role) || known)
        continue;
      const Placement &p = e.graph.plan->places[v];
      int32_t arena = node.role == Role::param ? GRADC_PARAMS : node.role == Role::slot ? GRADC_SLOTS : GRADC_GRADS;
      gradc_tensor tensor{node.name.c_str(), static_cast<int32_t>(node.type.dtype), arena,
                          static_cast<int32_t>(node.type.rank()), 0, {}, p.offset, p.bytes};
      std::copy(node.type.shape.begin(), node.type.shape.end(), tensor.dims);
      tensors.push_back(tensor);
      table.arena_bytes[arena] = std::max(table.arena_bytes[arena], (p.offset + p.bytes + 63) / 64 * 64);
    }
}

void InterpretedModel::State::collect_inputs() {
  for (const EntrySpec &e : spec.entries) {
    if (e.batch == 0)
      continue;
    for (const Node &node : e.graph.nodes)
      if (node.role == Role::input)
        inputs.push_back(describe(node.name, node.type.dtype, Shape(node.type.shape.begin() + 1, node.type.shape.end())));
    return;
  }
}

InterpretedModel::InterpretedModel(ModelSpec spec) : state_(std::make_unique<State>()) {
  State &s = *state_;
  s.spec = std::move(spec);
  for (const EntrySpec &e : s.spec.entries) {
    s.contexts.push_back({&s.spec, &e, {}});
    for (const Return &r : e.graph.returns)
      s.contexts.back().outputs.push_back(describe(r.name, e.graph.type(r.value).dtype, e.graph.type(r.value).shape));
  }
  for (EntryContext &c : s.contexts)
    s.entries.push_back({c.entry->name.c_str(), c.entry->batch, 0, static_cast<int32_t>(c.outputs.size()), 0,
                         c.outputs.data(), run_entry, &c});
  for (const auto &[name, value] : s.spec.hypers)
    s.hypers.push_back({name.c_str(), value});
  s.collect_states();
  s.collect_inputs();
  s.table.abi_version = GRADC_ABI_VERSION;
  s.table.struct_size = sizeof(gradc_model);
  s.table.name = s.spec.name.c_str();
  s.table.signature = s.spec.signature.c_str();
  s.table.alignment = 64;
  s.table.tensor_count = static_cast<int32_t>(s.tensors.size());
  s.table.input_count = static_cast<int32_t>(s.inputs.size());
  s.table.hyper_count = static_cast<int32_t>(s.hypers.size());
  s.table.entry_count = static_cast<int32_t>(s.entries.size());
  s.table.tensors = s.tensors.data();
  s.table.inputs = s.inputs.data();
  s.table.hypers = s.hypers.data();
  s.table.entries = s.entries.data();
  s.table.team_create = gradc_core_team_create;
  s.table.team_destroy = gradc_core_team_destroy;
  s.table.save = gradc_core_save;
  s.table.load = gradc_core_load;
  s.table.status_message = gradc_core_status_message;
  s.table.memory_create = gradc_core_memory_create;
  s.table.memory_destroy = gradc_core_memory_destroy;
}

InterpretedModel::~InterpretedModel() = default;
const gradc_model *InterpretedModel::table() const { return &state_->table; }

} // namespace gradc
