// The order of the passes, and why it is this one.
#include "passes/pipeline.h"

#include "passes/cse.h"
#include "passes/dce.h"
#include "passes/fold.h"
#include "passes/fuse.h"
#include "passes/order.h"
#include "passes/plan.h"
#include "passes/planar.h"
#include "passes/recompute.h"
#include "passes/separate_views.h"
#include "passes/simplify.h"
#include "passes/split_sums.h"

namespace gradc {

// A pass that needs to know nothing but the graph.
template <bool (*run)(Graph &)> static bool on_graph(Graph &graph, const PassOptions &) { return run(graph); }

static constexpr Pass kPipeline[] = {
    // In: primitives as layers, gradients and optimizers wrote them, without a thought for waste.
    {"fold", "evaluate what depends on constants alone", on_graph<fold>},
    // After fold, so that the identities see every 1, -1 and splat there is.
    {"simplify", "apply the identities that hold on floats, to a fixpoint", on_graph<simplify>},
    // After simplify, which brings different spellings of one value to one form.
    {"cse", "make equal nodes one", on_graph<cse>},
    // After all that orphan nodes; before fuse, which must not count dead uses.
    {"dce", "drop what no return or update needs", on_graph<dce>},
    // After dce, so that it turns nothing in vain; before all that adds axes or copies views.
    {"planar", "lay out values of few channels channel by channel", on_graph<planar>},
    // After simplify, which would make one sum of it again; before fuse, which puts the pieces where their operands are made.
    {"split_sums", "cut sums over whole batches into sums over examples", on_graph<split_sums>},
    // After cse, which would make one of them again; before fuse, which puts each into the kernel of its reader.
    {"separate_views", "give each reader of a view a view of its own", on_graph<separate_views>},
    // From here on the set of values is final: later passes group, order and place them.
    {"fuse", "group nodes into kernels around an anchor", fuse},
    // After fuse, which decides what is in memory; before order, which looks at how long it is.
    {"recompute", "compute again what is cheap instead of storing it", recompute, Milestone::fused},
    // From here on every computed value belongs to a kernel.
    {"order", "order the kernels so that memory is freed early", on_graph<order>, Milestone::fused},
    // From here on the order of nodes is the order of execution.
    {"plan", "give every value in memory its bytes", on_graph<plan>, Milestone::fused},
    // Out: every value that exists in memory has a place in it.
};

std::span<const Pass> pipeline() { return kPipeline; }

const Pass *find_pass(std::string_view name) {
  for (const Pass &pass : kPipeline)
    if (pass.name == name)
      return &pass;
  return nullptr;
}

} // namespace gradc
