#include "compiler/reports/dot.h"

#include "ir/op.h"

#include <fmt/format.h>

namespace gradc {

std::string to_dot(const Graph &graph, const PlaceNames &places) {
  std::string text = fmt::format("digraph \"{}\" {{\n  node [shape=box, fontname=monospace];\n", graph.name);
  int open = kNoKernel;
  auto close = [&] {
    if (open != kNoKernel)
      text += "  }\n";
    open = kNoKernel;
  };
  for (Value v = 0; v < graph.size(); ++v) {
    const Node &node = graph[v];
    if (node.kernel != open) {
      close();
      if (node.kernel != kNoKernel)
        text += fmt::format("  subgraph cluster_{0} {{ label=\"kernel {0}\";\n", node.kernel);
      open = node.kernel;
    }
    std::string label = node.op ? std::string(node.op->name) : std::string(to_string(node.role)) + " " + node.name;
    if (const std::string place = node.op ? places(node.location) : ""; !place.empty())
      label = place + "\\n" + label;
    text += fmt::format("  v{} [label=\"{}\\n{}\"{}];\n", v, label, to_string(node.type),
                        node.is_declaration() ? ", style=filled, fillcolor=lightgrey" : "");
  }
  close();
  for (Value v = 0; v < graph.size(); ++v)
    for (Value input : graph[v].inputs)
      text += fmt::format("  v{} -> v{};\n", input, v);
  for (const Return &r : graph.returns)
    text += fmt::format("  \"return {0}\" [shape=oval];\n  v{1} -> \"return {0}\";\n", r.name, r.value);
  for (const Update &u : graph.updates)
    text += fmt::format("  v{} -> v{} [style=dashed, label=update];\n", u.value, u.target);
  return text + "}\n";
}

} // namespace gradc
