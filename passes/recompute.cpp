#include "passes/recompute.h"

#include "ir/lowering/lower.h"
#include "ir/op.h"
#include "passes/dce.h"
#include "passes/fusion_rules.h"
#include "passes/storage.h"

#include <algorithm>
#include <set>

namespace gradc {
namespace {

constexpr int64_t kMuchLess = 16;   // an operand of so many times fewer elements counts as small beside a value

class Recomputation {
public:
  Recomputation(Graph &graph, const PassTarget &target)
      : graph_(graph), target_(target), live_out_(graph.live_out()), readers_(graph.size()),
        kernels_(static_cast<size_t>(graph.kernel_count())), first_update_(graph.size(), graph.kernel_count()) {
    for (Value v = 0; v < graph.size(); ++v) {
      if (graph[v].kernel != kNoKernel)
        kernels_[static_cast<size_t>(graph[v].kernel)].insert(v);
      for (Value input : graph[v].inputs)
        if (graph[input].kernel != graph[v].kernel || graph[v].kernel == kNoKernel)
          readers_[input].insert(graph[v].kernel);
    }
    for (const Update &u : graph.updates)
      first_update_[u.target] = graph[u.value].kernel;
  }

  bool run() {
    bool changed = false;
    for (Value v = static_cast<Value>(graph_.size()); v-- > 0;)
      changed |= is_candidate(v) && take(v);
    if (changed)
      rebuild();
    return changed;
  }

private:
  bool is_stored(Value v) const { return graph_[v].kernel == kNoKernel || live_out_[v] || !readers_[v].empty(); }
  int64_t elements(Value v) const { return graph_.type(v).elements(); }

  // A view of a value reads it outside every kernel.
  bool is_candidate(Value v) const {
    const Node &node = graph_[v];
    return node.kernel != kNoKernel && node.op->kind == OpKind::elementwise && !node.op->expensive &&
           node.type.bytes() >= target_.l1_bytes / 2 && // what is smaller stays in the nearest cache
           !live_out_[v] && !readers_[v].empty() && !readers_[v].contains(kNoKernel);
  }

  // What `v` is computed from: nodes to be computed again, and values in memory, of which one may be large.
  struct Recipe {
    std::set<Value> nodes, sources;
  };
  std::optional<Recipe> recipe_of(Value v) const {
    Recipe recipe;
    std::vector<Value> work{v};
    std::optional<Value> large;
    while (!work.empty()) {
      const Value at = work.back();
      work.pop_back();
      const bool is_small = elements(at) * kMuchLess <= elements(v);
      if (at != v && is_stored(at)) {
        if (!is_small && large.value_or(at) != at)
          return std::nullopt;
        if (!is_small)
          large = at;
        recipe.sources.insert(at);
        continue;
      }
      const Node &node = graph_[at];
      const bool moves = node.op->kind == OpKind::movement && is_small;
      if ((node.op->kind != OpKind::elementwise && !moves) || node.op->expensive)
        return std::nullopt;
      recipe.nodes.insert(at);
      work.insert(work.end(), node.inputs.begin(), node.inputs.end());
    }
    return large ? std::optional(recipe) : std::nullopt;
  }

  // Whether kernel `k` may read the sources, and is a good one when it computes the nodes itself.
  bool serves(int k, const Recipe &recipe) const {
    for (Value source : recipe.sources)
      if (first_update_[storage_root(graph_, source)] <= k)
        return false;
    std::set<Value> nodes = kernels_[static_cast<size_t>(k)];
    nodes.insert(recipe.nodes.begin(), recipe.nodes.end());
    std::vector<Value> outputs;
    for (Value v : nodes)
      if (graph_[v].kernel == k && (live_out_[v] || !readers_[v].empty()))
        outputs.push_back(v);
    try {
      return why_not_one_kernel(lower_region(graph_, {nodes.begin(), nodes.end()}, outputs).kernel, target_).empty();
    } catch (const Unfusable &) {
      return false;
    }
  }

  bool take(Value v) {
    const std::optional<Recipe> recipe = recipe_of(v);
    const std::set<int> readers = readers_[v];
    if (!recipe || !std::all_of(readers.begin(), readers.end(), [&](int k) { return serves(k, *recipe); }))
      return false;
    for (int k : readers) {
      kernels_[static_cast<size_t>(k)].insert(recipe->nodes.begin(), recipe->nodes.end());
      for (Value source : recipe->sources)
        readers_[source].insert(k);
    }
    readers_[v].clear();
    return true;
  }

  void rebuild() {
    Rewriter rewriter(graph_);
    int current = kNoKernel;
    std::map<Value, Value> again; // by what was computed first, in the current kernel
    for (Value v = 0; v < graph_.size(); ++v) {
      const int k = graph_[v].kernel;
      if (k != current)
        again.clear();
      if (k != current && k != kNoKernel)
        for (Value node : kernels_[static_cast<size_t>(k)])
          if (graph_[node].kernel != k)
            again[node] = add(rewriter, node, again, k);
      current = k;
      if (again.empty())
        rewriter.copy(v);
      else
        rewriter.replace(v, add(rewriter, v, again, k));
    }
    graph_ = rewriter.finish();
    dce(graph_);
    int last = kNoKernel, number = -1; // kernels that are left are numbered anew
    for (Node &node : graph_.nodes) {
      if (node.kernel == kNoKernel)
        continue;
      number += node.kernel != last;
      last = node.kernel;
      node.kernel = number;
    }
  }

  Value add(Rewriter &rewriter, Value v, const std::map<Value, Value> &again, int k) const {
    const Node &node = graph_[v];
    std::vector<Value> inputs;
    for (Value input : node.inputs) {
      const auto here = again.find(input);
      inputs.push_back(here != again.end() ? here->second : rewriter.map(input));
    }
    const Value added = rewriter.to().add(*node.op, inputs, node.attrs, node.location, node.type);
    rewriter.to()[added].kernel = k;
    return added;
  }

  Graph &graph_;
  const PassTarget &target_;
  const std::vector<bool> live_out_;
  std::vector<std::set<int>> readers_;  // of each value: the kernels besides its own; kNoKernel: a view
  std::vector<std::set<Value>> kernels_; // the nodes of each, and those that it computes again
  std::vector<int> first_update_;       // of a state: the kernel that writes its new value
};

} // namespace

bool recompute(Graph &graph, const PassOptions &options) {
  if (!Recomputation(graph, options.target).run())
    return false;
  graph.plan.reset();
  return true;
}

} // namespace gradc
