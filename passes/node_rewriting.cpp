#include "passes/node_rewriting.h"

namespace gradc {

bool rewrite_nodes(Graph &graph, const Replacement &replacement) {
  Rewriter rewriter(graph);
  bool changed = false;
  for (Value v = 0; v < graph.size(); ++v) {
    Node node = graph[v];
    for (Value &input : node.inputs)
      input = rewriter.map(input);
    if (const std::optional<Value> instead = replacement(rewriter.to(), node)) {
      rewriter.replace(v, *instead);
      changed = true;
    } else {
      rewriter.copy(v);
    }
  }
  if (changed)
    graph = rewriter.finish();
  return changed;
}

} // namespace gradc
