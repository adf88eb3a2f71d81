#include "passes/separate_views.h"

#include "ir/op.h"

#include <set>

namespace gradc {

/// Reading the operand costs no more than reading the view; a reshape is no memory of its own anyway.
static bool is_cheap_view(const Graph &graph, Value v) {
  const Node &node = graph[v];
  return !node.is_declaration() && node.op->kind == OpKind::movement && node.kernel < 0 && node.inputs.size() == 1 &&
         node.type.elements() >= graph.type(node.inputs[0]).elements() && storage_root(graph, v) == v;
}

/// Once for every reader; a view of a view has then several readers itself.
static bool separate_once(Graph &graph) {
  std::vector<bool> taken = graph.live_out();
  bool changed = false;
  Rewriter rewriter(graph);
  for (Value v = 0; v < graph.size(); ++v) {
    std::vector<std::pair<Value, Value>> own; // views that this node gets, and what others see there
    for (Value input : std::set<Value>(graph[v].inputs.begin(), graph[v].inputs.end())) {
      if (taken[input] && is_cheap_view(graph, input)) {
        own.emplace_back(input, rewriter.map(input));
        rewriter.copy(input);
      }
      taken[input] = true;
    }
    rewriter.copy(v);
    for (auto [view, others] : own)
      rewriter.replace(view, others);
    changed |= !own.empty();
  }
  if (changed)
    graph = rewriter.finish();
  return changed;
}

bool separate_views(Graph &graph) {
  bool changed = false;
  while (separate_once(graph))
    changed = true;
  return changed;
}

} // namespace gradc
