#include "passes/order.h"

#include "ir/error.h"
#include "ir/op.h"
#include "passes/beam_search.h"

#include <numeric>

namespace gradc {
namespace {

constexpr size_t kClimbWork = 200'000;  // kernels looked at while hill climbing
constexpr size_t kSettleWork = 600'000; // kernels looked at on the way back to the given order

// Moves the kernel at position `from` to position `to`.
KernelOrder moved(const KernelOrder &order, size_t from, size_t to) {
  KernelOrder result = order;
  auto at = [&](size_t i) { return result.begin() + static_cast<std::ptrdiff_t>(i); };
  if (from < to)
    std::rotate(at(from), at(from + 1), at(to + 1));
  else
    std::rotate(at(to), at(from), at(from + 1));
  return result;
}

// Moves single kernels within the window that their dependences leave, across the position of the peak, as long as that
// lowers the peak or the number of positions that have it.
class HillClimb {
public:
  explicit HillClimb(const OrderProblem &problem) : p_(problem) {}

  void run(KernelOrder &order) {
    while (work_ < kClimbWork && improve(order)) {
    }
  }

private:
  static std::pair<int64_t, int64_t> cost(const std::vector<int64_t> &profile) {
    int64_t peak = peak_of(profile);
    return {peak, std::count(profile.begin(), profile.end(), peak)};
  }

  bool improve(KernelOrder &order) {
    std::vector<int64_t> profile = p_.profile(order);
    auto current = cost(profile);
    size_t top = static_cast<size_t>(std::find(profile.begin(), profile.end(), current.first) - profile.begin());
    for (size_t from = 0; from < order.size(); ++from) {
      auto attempt = [&](size_t to) {
        bool crosses = from == top || (from < top ? to >= top : to <= top);
        if (!crosses || work_ >= kClimbWork)
          return false;
        work_ += order.size();
        KernelOrder candidate = moved(order, from, to);
        if (cost(p_.profile(candidate)) >= current)
          return false;
        order = std::move(candidate);
        return true;
      };
      int kernel = order[from];
      for (size_t to = from; to > 0 && !p_.depends(kernel, order[to - 1]);)
        if (attempt(--to))
          return true;
      for (size_t to = from; to + 1 < order.size() && !p_.depends(order[to + 1], kernel);)
        if (attempt(++to))
          return true;
    }
    return false;
  }

  const OrderProblem &p_;
  size_t work_ = 0;
};

// Puts neighbours that are out of their given order back into it where that costs nothing.
void settle(const OrderProblem &problem, KernelOrder &order) {
  int64_t peak = peak_of(problem.profile(order));
  size_t work = 0;
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i + 1 < order.size(); ++i) {
      if (order[i] < order[i + 1] || problem.depends(order[i + 1], order[i]))
        continue;
      if ((work += order.size()) > kSettleWork)
        return;
      std::swap(order[i], order[i + 1]);
      if (peak_of(problem.profile(order)) > peak)
        std::swap(order[i], order[i + 1]);
      else
        changed = true;
    }
  }
}

KernelOrder best_order(const OrderProblem &problem) {
  KernelOrder given(problem.kernels());
  std::iota(given.begin(), given.end(), 0);
  int64_t peak = peak_of(problem.profile(given)), least = problem.least_peak();
  if (peak <= least)
    return given;
  KernelOrder best = beam_search(problem, peak);
  if (best.empty())
    best = given;
  if (peak_of(problem.profile(best)) > least)
    HillClimb(problem).run(best);
  if (peak_of(problem.profile(best)) >= peak)
    return given;
  settle(problem, best);
  return best;
}

Graph reordered(const Graph &graph, const KernelOrder &order) {
  Rewriter rewriter(graph);
  for (Value v = 0; v < graph.size(); ++v)
    if (graph[v].is_declaration() || is_constant(graph[v]))
      rewriter.copy(v);
  // A view comes as soon as what it names is there.
  std::vector<std::vector<Value>> nodes(order.size()), views(order.size());
  for (Value v = 0; v < graph.size(); ++v)
    if (const int k = graph[v].kernel; k != kNoKernel)
      nodes[static_cast<size_t>(k)].push_back(v);
    else if (!is_view(graph, v))
      continue;
    else if (const int of = graph[storage_root(graph, v)].kernel; of != kNoKernel)
      views[static_cast<size_t>(of)].push_back(v);
    else
      rewriter.copy(v);
  for (size_t i = 0; i < order.size(); ++i) {
    for (Value v : nodes[static_cast<size_t>(order[i])])
      rewriter.to()[rewriter.copy(v)].kernel = static_cast<int>(i);
    for (Value v : views[static_cast<size_t>(order[i])])
      rewriter.copy(v);
  }
  return rewriter.finish();
}

} // namespace

bool order(Graph &graph) {
  if (graph.kernel_count() == 0)
    return false;
  const KernelOrder best = best_order(OrderProblem(graph));
  internal_check(best.size() == static_cast<size_t>(graph.kernel_count()), "order: a kernel is lost");
  if (std::is_sorted(best.begin(), best.end()))
    return false;
  graph = reordered(graph, best);
  return true;
}

} // namespace gradc
