#include "passes/schedule.h"

#include "ir/error.h"
#include "ir/op.h"
#include "passes/storage.h"

#include <algorithm>
#include <set>

namespace gradc {
namespace {

using Order = std::vector<int>;

// needs[k]: the kernels that must run before kernel k.
std::vector<std::set<int>> kernel_dependences(const Graph &graph) {
  std::vector<std::set<int>> needs(static_cast<size_t>(graph.kernel_count()));
  auto need = [&](int before, int after) {
    if (before != kNoKernel && after != kNoKernel && before != after)
      needs[static_cast<size_t>(after)].insert(before);
  };
  for (Value v = 0; v < graph.size(); ++v)
    for (Value input : graph[v].inputs)
      need(graph[storage_root(graph, input)].kernel, graph[v].kernel);
  for (const Hazard &h : state_hazards(graph))
    need(graph[h.before].kernel, graph[h.after].kernel);
  return needs;
}

int64_t peak_bytes(const std::vector<StoredValue> &stored, const Order &order) {
  std::vector<size_t> position(order.size());
  for (size_t i = 0; i < order.size(); ++i)
    position[static_cast<size_t>(order[i])] = i;
  std::vector<int64_t> change(order.size() + 1, 0);
  for (const StoredValue &s : stored) {
    size_t last = 0;
    for (int reader : s.readers)
      last = std::max(last, position[static_cast<size_t>(reader)]);
    change[position[static_cast<size_t>(s.writer)]] += s.bytes;
    change[last + 1] -= s.bytes;
  }
  int64_t live = 0, peak = 0;
  for (int64_t c : change)
    peak = std::max(peak, live += c);
  return peak;
}

Order list_schedule(const std::vector<StoredValue> &stored, std::vector<std::set<int>> needs) {
  std::vector<std::set<int>> pending; // readers yet to run, a stored value
  for (const StoredValue &s : stored)
    pending.emplace_back(s.readers.begin(), s.readers.end());
  auto growth = [&](int k) {
    int64_t bytes = 0;
    for (size_t i = 0; i < stored.size(); ++i) {
      bytes += stored[i].writer == k ? stored[i].bytes : 0;
      bytes -= pending[i] == std::set<int>{k} ? stored[i].bytes : 0;
    }
    return bytes;
  };
  Order order;
  std::vector<bool> done(needs.size(), false);
  while (order.size() < needs.size()) {
    int best = -1;
    int64_t best_growth = 0;
    for (int k = 0; k < static_cast<int>(needs.size()); ++k) {
      if (done[static_cast<size_t>(k)] || !needs[static_cast<size_t>(k)].empty())
        continue;
      int64_t g = growth(k);
      if (best < 0 || g < best_growth) {
        best = k;
        best_growth = g;
      }
    }
    internal_check(best >= 0, "schedule: kernels depend on each other in a circle");
    done[static_cast<size_t>(best)] = true;
    order.push_back(best);
    for (std::set<int> &n : needs)
      n.erase(best);
    for (std::set<int> &p : pending)
      p.erase(best);
  }
  return order;
}

Graph reordered(const Graph &graph, const Order &order) {
  Rewriter rewriter(graph);
  for (Value v = 0; v < graph.size(); ++v)
    if (graph[v].is_declaration() || graph[v].op->name == "constant")
      rewriter.copy(v);
  auto place_views = [&] {
    for (Value v = 0; v < graph.size(); ++v)
      if (is_view(graph, v) && !rewriter.has(v) && rewriter.has(graph[v].inputs[0]))
        rewriter.copy(v);
  };
  place_views();
  for (size_t i = 0; i < order.size(); ++i) {
    for (Value v = 0; v < graph.size(); ++v)
      if (graph[v].kernel == order[i])
        rewriter.to()[rewriter.copy(v)].kernel = static_cast<int>(i);
    place_views();
  }
  return rewriter.finish();
}

} // namespace

bool schedule(Graph &graph) {
  if (graph.kernel_count() == 0)
    return false;
  Order given;
  for (int k = 0; k < graph.kernel_count(); ++k)
    given.push_back(k);
  std::vector<StoredValue> stored = stored_values(graph);
  Order order = list_schedule(stored, kernel_dependences(graph));
  if (order == given || peak_bytes(stored, order) >= peak_bytes(stored, given))
    return false;
  graph = reordered(graph, order);
  return true;
}

} // namespace gradc
