// Marks backwards from what outlives the call, then copies what is marked.
#include "passes/dce.h"

#include <algorithm>

namespace gradc {

bool dce(Graph &graph) {
  std::vector<bool> live = graph.live_out();
  for (Value v = static_cast<Value>(graph.size()); v-- > 0;) {
    if (graph[v].is_declaration())
      live[v] = true;
    if (live[v])
      for (Value input : graph[v].inputs)
        live[input] = true;
  }
  if (std::all_of(live.begin(), live.end(), [](bool l) { return l; }))
    return false;
  Rewriter rewriter(graph);
  for (Value v = 0; v < graph.size(); ++v)
    if (live[v])
      rewriter.copy(v);
  graph = rewriter.finish();
  return true;
}

} // namespace gradc
