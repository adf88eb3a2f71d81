#include "compiler/engines/interpreted_model.h"

#include "compiler/codegen/entries/model_table.h"
#include "compiler/engines/call_values.h"
#include "passes/milestones.h"
#include "passes/storage.h"
#include "runtime/core/core.h"

#include <algorithm>
#include <cmath>
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

// The place of the first value of an input that is not where it must be; `count`, that of all, where there is none.
int64_t first_outside(const Node &node, const void *values, int64_t count) {
  const auto dtype = static_cast<int32_t>(node.type.dtype);
  if (node.ignored)
    return gradc_core_first_outside_but(values, dtype, count, node.below, *node.ignored);
  if (node.below > 0)
    return gradc_core_first_outside(values, dtype, count, node.below);
  if (!node.domain)
    return count;
  const gradc_core_domain domain{node.domain->least, node.domain->most, node.domain->row, node.domain->sum_least,
                                 node.domain->sum_most};
  return gradc_core_first_outside_domain(values, dtype, count, &domain);
}

// Whether all labels and hypers lie where they must, else a status, and which is the first that does not.
int32_t check_values(const gradc_call &call, const Graph &graph, const CallNeeds &needs) {
  const auto refuse = [&](int32_t status, int64_t position, int64_t element) {
    if (call.problem)
      *call.problem = {static_cast<int32_t>(position), 0, element};
    return status;
  };
  for (Value v : needs.inputs) {
    const int64_t count = graph.type(v).elements(), index = graph.plan->places[v].index;
    if (const int64_t first = first_outside(graph[v], call.inputs[index], count); first != count)
      return refuse(GRADC_BAD_LABEL, index, first);
  }
  for (const auto &[v, position] : needs.hypers)
    if (const std::optional<Domain> &domain = graph[v].domain; domain && call.hypers) // the defaults are good
      if (const double value = call.hypers[position]; !(value >= domain->least && value <= domain->most))
        return refuse(GRADC_BAD_HYPER, position, 0);
  return GRADC_OK;
}

// The call as today's hosts make it: what one of before lacks is zero.
gradc_call whole_call(const gradc_call &given) {
  gradc_call call{};
  std::memcpy(&call, &given, std::min<size_t>(given.struct_size, sizeof call));
  return call;
}

// What a compiled entry checks too, in the same order.
int32_t check(const gradc_call *call, const Graph &graph) {
  if (call->flags || call->reserved || call->step < 0 || call->step == GRADC_MAX_STEP || call->total_steps < 0)
    return GRADC_BAD_CALL;
  const CallNeeds needs = call_needs(graph);
  for (int arena : needs.arenas)
    if (!call->arenas || arena >= call->arena_count || !call->arenas[arena])
      return GRADC_MISSING_ARENA;
  auto missing = [&](Value v, const void *pointer) { return !pointer && graph.type(v).elements() > 0; };
  for (Value v : needs.inputs)
    if (!call->inputs || missing(v, call->inputs[graph.plan->places[v].index]))
      return GRADC_NULL_POINTER;
  for (size_t i = 0; i < graph.returns.size(); ++i)
    if (!call->outputs || missing(graph.returns[i].value, call->outputs[i]))
      return GRADC_NULL_POINTER;
  return check_values(*call, graph, needs);
}

int32_t outcome(const EntrySpec &entry, const std::vector<Tensor> &results) {
  const bool has_loss = gradc_computes_gradients(entry.kind);
  return has_loss && !std::isfinite(results.at(0).number(0)) ? GRADC_NOT_FINITE : GRADC_OK;
}

int32_t run_entry(const gradc_entry *self, const gradc_call *given) {
  if (!self || !given)
    return GRADC_NULL_POINTER;
  const auto *context = static_cast<const EntryContext *>(self->context);
  const Graph &graph = context->entry->graph;
  if (given->struct_size < GRADC_CALL_LEAST)
    return GRADC_BAD_CALL;
  const gradc_call whole = whole_call(*given), *call = &whole;
  if (const int32_t refusal = check(call, graph))
    return refusal;
  Bindings bindings = call_values(*call, *context->spec, graph);
  const std::vector<Tensor> results = interpret(graph, bindings);
  for (size_t i = 0; i < results.size(); ++i) {
    const std::vector<std::byte> bytes = results[i].to_bytes();
    std::copy(bytes.begin(), bytes.end(), static_cast<std::byte *>(call->outputs[i]));
  }
  for (const Update &update : graph.updates) {
    const std::vector<std::byte> bytes = bindings.find(graph[update.target].name)->second.to_bytes();
    std::memcpy(address_of(*call, graph.plan->places[update.target]), bytes.data(), bytes.size());
  }
  return outcome(*context->entry, results);
}

} // namespace

struct InterpretedModel::State {
  ModelSpec spec;
  std::vector<EntryContext> contexts;
  std::vector<gradc_arena> arenas;
  std::vector<gradc_tensor> tensors;
  std::vector<gradc_value> inputs;
  std::vector<gradc_hyper> hypers;
  std::vector<gradc_entry> entries;
  gradc_model table{};

  void describe_tensors(const ModelTable &);
};

void InterpretedModel::State::describe_tensors(const ModelTable &model) {
  for (const auto &[node, place] : model.states) {
    gradc_tensor tensor{node->name.c_str(), static_cast<int32_t>(node->type.dtype), arena_of(place->space),
                        static_cast<int32_t>(node->type.rank()), range_of(*node), {}, place->offset, place->bytes};
    std::copy(node->type.shape.begin(), node->type.shape.end(), tensor.dims);
    tensors.push_back(tensor);
  }
  for (const Node *node : model.inputs)
    inputs.push_back(describe(node->name, node->type.dtype, Shape(node->type.shape.begin() + 1, node->type.shape.end())));
}

InterpretedModel::InterpretedModel(ModelSpec spec) : state_(std::make_unique<State>()) {
  State &s = *state_;
  s.spec = std::move(spec);
  for (const EntrySpec &e : s.spec.entries) {
    require(e.graph, Milestone::planned, "the interpreter of '" + e.name + "'");
    s.contexts.push_back({&s.spec, &e, {}});
    for (const Return &r : e.graph.returns)
      s.contexts.back().outputs.push_back(describe(r.name, e.graph.type(r.value).dtype, e.graph.type(r.value).shape));
  }
  for (EntryContext &c : s.contexts)
    s.entries.push_back({c.entry->name.c_str(), c.entry->kind, 0, c.entry->batch, 0, 0,
                         static_cast<int32_t>(c.outputs.size()), 0, c.outputs.data(), run_entry, &c});
  for (const auto &[name, value] : s.spec.hypers)
    s.hypers.push_back({name.c_str(), value});
  const ModelTable model = model_table(s.spec);
  s.arenas = model.arenas;
  s.describe_tensors(model);
  s.table.abi_version = GRADC_ABI_VERSION;
  s.table.struct_size = sizeof(gradc_model);
  s.table.name = s.spec.name.c_str();
  s.table.signature = s.spec.signature.c_str();
  s.table.alignment = kAlignment;
  s.table.arena_count = static_cast<int32_t>(s.arenas.size());
  s.table.tensor_count = static_cast<int32_t>(s.tensors.size());
  s.table.input_count = static_cast<int32_t>(s.inputs.size());
  s.table.hyper_count = static_cast<int32_t>(s.hypers.size());
  s.table.entry_count = static_cast<int32_t>(s.entries.size());
  s.table.arena_size = sizeof(gradc_arena);
  s.table.tensor_size = sizeof(gradc_tensor);
  s.table.value_size = sizeof(gradc_value);
  s.table.hyper_size = sizeof(gradc_hyper);
  s.table.entry_size = sizeof(gradc_entry);
  s.table.arenas = s.arenas.data();
  s.table.tensors = s.tensors.data();
  s.table.inputs = s.inputs.data();
  s.table.hypers = s.hypers.data();
  s.table.entries = s.entries.data();
  s.table.team_create = gradc_core_team_create;
  s.table.team_destroy = gradc_core_team_destroy;
  s.table.team_threads = gradc_core_team_threads;
  s.table.save = gradc_core_save;
  s.table.load = gradc_core_load;
  s.table.status_message = gradc_core_status_message;
  s.table.memory_create = gradc_core_memory_create;
  s.table.memory_destroy = gradc_core_memory_destroy;
  s.table.optimizer = s.spec.optimizer.c_str();
}

InterpretedModel::~InterpretedModel() = default;
const gradc_model *InterpretedModel::table() const { return &state_->table; }

} // namespace gradc
