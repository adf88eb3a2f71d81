#include "passes/order_problem.h"

#include <numeric>
#include <set>

namespace gradc {

OrderProblem::OrderProblem(const Graph &graph) : stored(stored_values(graph)) {
  size_t kernels = static_cast<size_t>(graph.kernel_count());
  for (auto *lists : {&needs, &feeds})
    lists->resize(kernels);
  for (auto *lists : {&written, &read})
    lists->resize(kernels);
  donors.resize(stored.size());
  find_dependences(graph);
  for (size_t i = 0; i < stored.size(); ++i) {
    written[static_cast<size_t>(stored[i].writer)].push_back(i);
    for (int reader : stored[i].readers)
      read[static_cast<size_t>(reader)].push_back(i);
  }
  for (const TakeOver &t : take_overs(graph, stored))
    if (stored[t.donor].bytes == stored[t.taker].bytes)
      donors[t.taker].push_back(t.donor);
}

std::vector<int64_t> OrderProblem::profile(const KernelOrder &order) const {
  std::vector<size_t> position(order.size()), last(stored.size(), 0);
  for (size_t p = 0; p < order.size(); ++p)
    position[static_cast<size_t>(order[p])] = p;
  std::vector<int64_t> live(order.size() + 1, 0);
  for (size_t i = 0; i < stored.size(); ++i) {
    for (int reader : stored[i].readers)
      last[i] = std::max(last[i], position[static_cast<size_t>(reader)]);
    live[position[static_cast<size_t>(stored[i].writer)]] += stored[i].bytes;
    live[last[i] + 1] -= stored[i].bytes;
  }
  std::partial_sum(live.begin(), live.end(), live.begin());
  live.pop_back();
  for (size_t p = 0; p < order.size(); ++p)
    live[p] -= reused_bytes(order[p], [&](size_t i) { return last[i] == p; });
  return live;
}

int64_t OrderProblem::least_peak() const {
  int64_t peak = 0;
  for (size_t k = 0; k < kernels(); ++k) {
    int64_t bytes = -reused_bytes(static_cast<int>(k), [](size_t) { return true; });
    for (const auto *lists : {&written, &read})
      for (size_t i : (*lists)[k])
        bytes += stored[i].bytes;
    peak = std::max(peak, bytes);
  }
  return peak;
}

void OrderProblem::find_dependences(const Graph &graph) {
  std::set<std::pair<int, int>> pairs;
  auto need = [&](int before, int after) {
    if (before != kNoKernel && after != kNoKernel && before != after)
      pairs.emplace(after, before);
  };
  for (Value v = 0; v < graph.size(); ++v)
    for (Value input : graph[v].inputs)
      need(graph[storage_root(graph, input)].kernel, graph[v].kernel);
  for (const Hazard &h : state_hazards(graph))
    need(graph[h.before].kernel, graph[h.after].kernel);
  for (auto [after, before] : pairs) {
    needs[static_cast<size_t>(after)].push_back(before);
    feeds[static_cast<size_t>(before)].push_back(after);
  }
}

int64_t peak_of(const std::vector<int64_t> &profile) { return *std::max_element(profile.begin(), profile.end()); }

} // namespace gradc
