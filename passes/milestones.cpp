#include "passes/milestones.h"

#include "ir/error.h"
#include "ir/text/text.h"

namespace gradc {

static bool runs_in_no_kernel(const Graph &graph, Value v) {
  const Node &node = graph[v];
  return node.kernel == kNoKernel && !node.is_declaration() && !is_constant(node) && !is_view(graph, v);
}

[[noreturn]] static void refuse(const std::string &who, const std::string &needs, const std::string &pass) {
  throw Error(who + " needs " + needs + ": the pass '" + pass +
              "' has not run (it may have been left out by --skip, --stop-after or --passes)");
}

void require(const Graph &graph, Milestone milestone, const std::string &who) {
  if (milestone >= Milestone::fused)
    for (Value v = 0; v < graph.size(); ++v)
      if (runs_in_no_kernel(graph, v))
        refuse(who, "every value in a kernel, and " + value_names(graph)[v] + " is in none", "fuse");
  if (milestone >= Milestone::planned && !graph.plan)
    refuse(who, "a planned graph", "plan");
}

} // namespace gradc
