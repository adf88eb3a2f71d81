#include "compiler/codegen/entries/model_table.h"

#include "ir/error.h"
#include "passes/storage.h"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace gradc {
namespace {

static_assert(static_cast<int>(Lifetime::model) == GRADC_LIFE_MODEL && static_cast<int>(Lifetime::run) == GRADC_LIFE_RUN &&
              static_cast<int>(Lifetime::call) == GRADC_LIFE_CALL);

void add_states(ModelTable &table, const Graph &graph, std::unordered_map<std::string_view, size_t> &places) {
  for (Value v = 0; v < graph.size(); ++v) {
    const Node &node = graph[v];
    if (!is_state(node.role))
      continue;
    const Placement &place = graph.plan->places[v];
    const auto [known, fresh] = places.try_emplace(node.name, table.states.size());
    if (!fresh) {
      const StateTensor &first = table.states[known->second];
      internal_check(first.node->type == node.type && first.place->space == place.space && first.place->offset == place.offset,
                     "two entries have '" + node.name + "' in different places or of different types");
      continue;
    }
    table.states.push_back({&node, &place});
    int64_t &bytes = table.arenas[static_cast<size_t>(arena_of(place.space))].bytes;
    bytes = std::max(bytes, aligned(place.offset + place.bytes));
  }
}

} // namespace

CallField call_field(std::string_view scalar) {
  for (auto [name, field] : {std::pair<std::string_view, CallField>{"seed", CallField::seed},
                             {"step", CallField::step},
                             {"total_steps", CallField::total_steps}})
    if (scalar == name)
      return field;
  return CallField::hyper;
}

int32_t range_of(const Node &state) {
  if (!state.domain || state.domain->least < 0)
    return GRADC_ANY;
  return state.domain->least > 0 ? GRADC_POSITIVE : GRADC_NOT_NEGATIVE;
}

int arena_of(Space space) { return space == Space::none ? -1 : info(space).arena; }

int64_t workspace_bytes(const Graph &graph) { return aligned(graph.plan->arena_bytes); }

ModelTable model_table(const ModelSpec &spec) {
  ModelTable table;
  for (const SpaceInfo &space : spaces())
    if (space.arena >= 0) // the numbers of arenas are their kinds
      table.arenas.push_back({space.name.data(), space.arena, static_cast<int32_t>(space.lifetime), 0, 0});
  int64_t &workspace = table.arenas[static_cast<size_t>(arena_of(Space::workspace))].bytes;
  std::unordered_map<std::string_view, size_t> states; // by name
  for (const EntrySpec &e : spec.entries) {
    add_states(table, e.graph, states);
    workspace = std::max(workspace, workspace_bytes(e.graph));
    if (e.batch > 0 && table.inputs.empty())
      for (const Node &node : e.graph.nodes)
        if (node.role == Role::input)
          table.inputs.push_back(&node);
  }
  return table;
}

CallNeeds call_needs(const Graph &graph) {
  CallNeeds needs;
  std::set<int> arenas;
  const std::vector<std::vector<Value>> users = graph.users();
  int64_t hypers = 0;
  for (Value v = 0; v < graph.size(); ++v) {
    const Space space = graph.plan->places[v].space;
    const bool hyper = graph[v].role == Role::scalar && call_field(graph[v].name) == CallField::hyper;
    const int64_t position = hyper ? hypers++ : 0;
    if (users[v].empty() && graph[v].is_declaration())
      continue;
    if (arena_of(space) >= 0)
      arenas.insert(arena_of(space));
    if (graph[v].role == Role::input)
      needs.inputs.push_back(v);
    if (hyper)
      needs.hypers.push_back({v, position});
  }
  for (const Update &update : graph.updates)
    arenas.insert(arena_of(graph.plan->places[update.target].space));
  needs.arenas.assign(arenas.begin(), arenas.end());
  return needs;
}

} // namespace gradc
