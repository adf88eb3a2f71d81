#include "passes/schedule.h"

#include "ir/error.h"
#include "ir/op.h"
#include "passes/storage.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace gradc {
namespace {

using Order = std::vector<int>;

constexpr size_t kBeamWidth = 24;
constexpr size_t kClimbWork = 200'000;  // kernels looked at while hill climbing
constexpr size_t kSettleWork = 600'000; // kernels looked at on the way back to the given order

// What an order of kernels is judged by.
class Problem {
public:
  explicit Problem(const Graph &graph) : stored(stored_values(graph)) {
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

  size_t kernels() const { return needs.size(); }

  // Bytes that kernel k writes in place, where `dies(i)` tells whether it is the last reader of stored value i.
  template <typename Dies> int64_t reused_bytes(int k, Dies dies) const {
    int64_t bytes = 0;
    std::vector<size_t> given;
    for (size_t taker : written[static_cast<size_t>(k)])
      for (size_t donor : donors[taker])
        if (dies(donor) && std::find(given.begin(), given.end(), donor) == given.end()) {
          given.push_back(donor);
          bytes += stored[taker].bytes;
          break;
        }
    return bytes;
  }

  // Live bytes at each position of an order.
  std::vector<int64_t> profile(const Order &order) const {
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

  // What some kernel reads and writes is live in it, in every order.
  int64_t least_peak() const {
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

  bool depends(int after, int before) const {
    const std::vector<int> &list = needs[static_cast<size_t>(after)];
    return std::binary_search(list.begin(), list.end(), before);
  }

  std::vector<StoredValue> stored;
  std::vector<std::vector<int>> needs, feeds;     // kernels that must run before, after a kernel; ascending
  std::vector<std::vector<size_t>> written, read; // stored values, by kernel
  std::vector<std::vector<size_t>> donors;        // stored values whose bytes one may take over

private:
  void find_dependences(const Graph &graph) {
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
};

int64_t peak_of(const std::vector<int64_t> &profile) { return *std::max_element(profile.begin(), profile.end()); }

// Grows the most promising prefixes kernel by kernel: those of the lowest peak, then the fewest live bytes, then the
// fewest kernels out of their given order.
class BeamSearch {
public:
  explicit BeamSearch(const Problem &problem) : p_(problem) {}

  // An order whose peak is below `limit`; empty when none is found.
  Order run(int64_t limit) {
    Prefix start;
    for (const std::vector<int> &needs : p_.needs)
      start.missing.push_back(static_cast<int>(needs.size()));
    for (const StoredValue &s : p_.stored)
      start.readers.push_back(static_cast<int>(s.readers.size()));
    std::vector<Prefix> beam = {std::move(start)};
    for (size_t n = 0; n < p_.kernels() && !beam.empty(); ++n) {
      std::vector<Step> steps;
      for (size_t i = 0; i < beam.size(); ++i)
        extend(beam[i], i, limit, steps);
      beam = best(beam, steps);
    }
    return beam.empty() ? Order{} : beam[0].order;
  }

private:
  static constexpr int kDone = -1;
  struct Prefix {
    Order order;
    std::vector<int> missing; // kernels that must run first, a kernel; kDone once it has run
    std::vector<int> readers; // still to run, a stored value
    int64_t live = 0, peak = 0, skipped = 0;
    uint64_t set = 0; // hash of the kernels that have run
  };
  struct Step {
    int64_t peak, live, skipped;
    size_t prefix;
    int kernel;
    uint64_t set;
    auto rank() const { return std::tuple(peak, live, skipped, prefix, kernel); }
  };

  static uint64_t hash_of(int kernel) { // splitmix64
    uint64_t z = (static_cast<uint64_t>(kernel) + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  void extend(const Prefix &prefix, size_t number, int64_t limit, std::vector<Step> &steps) const {
    int64_t passed = 0;
    for (int k = 0; k < static_cast<int>(p_.kernels()); ++k) {
      int missing = prefix.missing[static_cast<size_t>(k)];
      if (missing == 0) {
        int64_t live = prefix.live;
        for (size_t i : p_.written[static_cast<size_t>(k)])
          live += p_.stored[i].bytes;
        int64_t during = live - p_.reused_bytes(k, [&](size_t i) { return prefix.readers[i] == 1; });
        for (size_t i : p_.read[static_cast<size_t>(k)])
          live -= prefix.readers[i] == 1 ? p_.stored[i].bytes : 0;
        int64_t peak = std::max(prefix.peak, during);
        if (peak < limit)
          steps.push_back({peak, live, prefix.skipped + passed, number, k, prefix.set ^ hash_of(k)});
      }
      passed += missing != kDone;
    }
  }

  // Of prefixes that ran the same kernels only the best goes on.
  std::vector<Prefix> best(const std::vector<Prefix> &beam, std::vector<Step> &steps) const {
    std::sort(steps.begin(), steps.end(), [](const Step &a, const Step &b) { return a.rank() < b.rank(); });
    std::vector<Prefix> next;
    for (const Step &step : steps) {
      if (next.size() == kBeamWidth)
        break;
      if (std::any_of(next.begin(), next.end(), [&](const Prefix &p) { return p.set == step.set; }))
        continue;
      Prefix prefix = beam[step.prefix];
      prefix.order.push_back(step.kernel);
      prefix.missing[static_cast<size_t>(step.kernel)] = kDone;
      for (int after : p_.feeds[static_cast<size_t>(step.kernel)])
        --prefix.missing[static_cast<size_t>(after)];
      for (size_t i : p_.read[static_cast<size_t>(step.kernel)])
        --prefix.readers[i];
      prefix.peak = step.peak;
      prefix.live = step.live;
      prefix.skipped = step.skipped;
      prefix.set = step.set;
      next.push_back(std::move(prefix));
    }
    return next;
  }

  const Problem &p_;
};

// Moves the kernel at position `from` to position `to`.
Order moved(const Order &order, size_t from, size_t to) {
  Order result = order;
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
  explicit HillClimb(const Problem &problem) : p_(problem) {}

  void run(Order &order) {
    while (work_ < kClimbWork && improve(order)) {
    }
  }

private:
  static std::pair<int64_t, int64_t> cost(const std::vector<int64_t> &profile) {
    int64_t peak = peak_of(profile);
    return {peak, std::count(profile.begin(), profile.end(), peak)};
  }

  bool improve(Order &order) {
    std::vector<int64_t> profile = p_.profile(order);
    auto current = cost(profile);
    size_t top = static_cast<size_t>(std::find(profile.begin(), profile.end(), current.first) - profile.begin());
    for (size_t from = 0; from < order.size(); ++from) {
      auto attempt = [&](size_t to) {
        bool crosses = from == top || (from < top ? to >= top : to <= top);
        if (!crosses || work_ >= kClimbWork)
          return false;
        work_ += order.size();
        Order candidate = moved(order, from, to);
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

  const Problem &p_;
  size_t work_ = 0;
};

// Puts neighbours that are out of their given order back into it where that costs nothing.
void settle(const Problem &problem, Order &order) {
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

Order best_order(const Problem &problem) {
  Order given(problem.kernels());
  std::iota(given.begin(), given.end(), 0);
  int64_t peak = peak_of(problem.profile(given)), least = problem.least_peak();
  if (peak <= least)
    return given;
  Order best = BeamSearch(problem).run(peak);
  if (best.empty())
    best = given;
  if (peak_of(problem.profile(best)) > least)
    HillClimb(problem).run(best);
  if (peak_of(problem.profile(best)) >= peak)
    return given;
  settle(problem, best);
  return best;
}

Graph reordered(const Graph &graph, const Order &order) {
  Rewriter rewriter(graph);
  for (Value v = 0; v < graph.size(); ++v)
    if (graph[v].is_declaration() || is_constant(graph[v]))
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
  Order order = best_order(Problem(graph));
  internal_check(order.size() == static_cast<size_t>(graph.kernel_count()), "schedule: a kernel is lost");
  if (std::is_sorted(order.begin(), order.end()))
    return false;
  graph = reordered(graph, order);
  return true;
}

} // namespace gradc
