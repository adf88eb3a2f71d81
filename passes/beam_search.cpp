#include "passes/beam_search.h"

#include <array>
#include <memory>
#include <utility>

namespace gradc {
namespace {

constexpr size_t kBeamWidth = 24;
constexpr size_t kBeamWork = 20'000'000; // kernels tried as the next one

// A list of small numbers of which many versions are kept: versions share what they have in common.
class Versioned {
public:
  explicit Versioned(const std::vector<int> &values) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (i % kChunk == 0)
        chunks_.push_back(std::make_shared<Chunk>());
      (*chunks_.back())[i % kChunk] = values[i];
    }
  }
  int operator[](size_t i) const { return (*chunks_[i / kChunk])[i % kChunk]; }
  int decrease(size_t i) {
    std::shared_ptr<Chunk> &chunk = chunks_[i / kChunk];
    if (chunk.use_count() > 1)
      chunk = std::make_shared<Chunk>(*chunk);
    return --(*chunk)[i % kChunk];
  }

private:
  static constexpr size_t kChunk = 64;
  using Chunk = std::array<int, kChunk>;
  std::vector<std::shared_ptr<Chunk>> chunks_;
};

class BeamSearch {
public:
  explicit BeamSearch(const OrderProblem &problem) : p_(problem) {}

  KernelOrder run(int64_t limit) {
    std::vector<int> missing, readers;
    for (const std::vector<int> &needs : p_.needs)
      missing.push_back(static_cast<int>(needs.size()));
    for (const StoredValue &s : p_.stored)
      readers.push_back(static_cast<int>(s.readers.size()));
    Prefix start{.missing = Versioned(missing), .readers = Versioned(readers)};
    for (int k = 0; k < static_cast<int>(p_.kernels()); ++k)
      if (missing[static_cast<size_t>(k)] == 0)
        start.ready.push_back(k);
    std::vector<Prefix> beam = {std::move(start)};
    size_t work = 0;
    for (size_t n = 0; n < p_.kernels() && !beam.empty() && work < kBeamWork; ++n) {
      std::vector<Step> steps;
      for (size_t i = 0; i < beam.size(); ++i) {
        extend(beam[i], i, limit, steps);
        work += beam[i].ready.size();
      }
      beam = best(beam, steps);
    }
    return beam.empty() || work >= kBeamWork ? KernelOrder{} : order_of(beam[0]);
  }

private:
  static constexpr int kNothing = -1;
  struct Prefix {
    Versioned missing;         // kernels that must run first, a kernel
    Versioned readers;         // still to run, a stored value
    std::vector<int> ready = {}; // kernels that may run next, ascending
    int first_open = 0;        // all kernels before it have run
    std::vector<int> ahead = {}; // those behind it that have run, ascending
    int last = kNothing;       // the last step taken, among all
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
  struct Taken {
    int kernel, before; // the step before it
  };

  static uint64_t hash_of(int kernel) { // splitmix64
    uint64_t z = (static_cast<uint64_t>(kernel) + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  void extend(const Prefix &prefix, size_t number, int64_t limit, std::vector<Step> &steps) const {
    for (int k : prefix.ready) {
      int64_t live = prefix.live;
      for (size_t i : p_.written[static_cast<size_t>(k)])
        live += p_.stored[i].bytes;
      int64_t during = live - p_.reused_bytes(k, [&](size_t i) { return prefix.readers[i] == 1; });
      for (size_t i : p_.read[static_cast<size_t>(k)])
        live -= prefix.readers[i] == 1 ? p_.stored[i].bytes : 0;
      int64_t peak = std::max(prefix.peak, during);
      auto ahead = std::lower_bound(prefix.ahead.begin(), prefix.ahead.end(), k) - prefix.ahead.begin();
      const int64_t passed = k - prefix.first_open - ahead; // that have not run yet
      if (peak < limit)
        steps.push_back({peak, live, prefix.skipped + passed, number, k, prefix.set ^ hash_of(k)});
    }
  }

  // Of prefixes that ran the same kernels only the best goes on.
  std::vector<Prefix> best(const std::vector<Prefix> &beam, std::vector<Step> &steps) {
    std::sort(steps.begin(), steps.end(), [](const Step &a, const Step &b) { return a.rank() < b.rank(); });
    std::vector<Prefix> next;
    for (const Step &step : steps) {
      if (next.size() == kBeamWidth)
        break;
      if (std::none_of(next.begin(), next.end(), [&](const Prefix &p) { return p.set == step.set; }))
        next.push_back(extended(beam[step.prefix], step));
    }
    return next;
  }

  Prefix extended(Prefix prefix, const Step &step) {
    auto insert = [](std::vector<int> &list, int k) { list.insert(std::lower_bound(list.begin(), list.end(), k), k); };
    prefix.ready.erase(std::lower_bound(prefix.ready.begin(), prefix.ready.end(), step.kernel));
    for (int after : p_.feeds[static_cast<size_t>(step.kernel)])
      if (prefix.missing.decrease(static_cast<size_t>(after)) == 0)
        insert(prefix.ready, after);
    for (size_t i : p_.read[static_cast<size_t>(step.kernel)])
      prefix.readers.decrease(i);
    insert(prefix.ahead, step.kernel);
    size_t closed = 0;
    while (closed < prefix.ahead.size() && prefix.ahead[closed] == prefix.first_open + static_cast<int>(closed))
      ++closed;
    prefix.first_open += static_cast<int>(closed);
    prefix.ahead.erase(prefix.ahead.begin(), prefix.ahead.begin() + static_cast<std::ptrdiff_t>(closed));
    taken_.push_back({step.kernel, std::exchange(prefix.last, static_cast<int>(taken_.size()))});
    prefix.peak = step.peak;
    prefix.live = step.live;
    prefix.skipped = step.skipped;
    prefix.set = step.set;
    return prefix;
  }

  KernelOrder order_of(const Prefix &prefix) const {
    KernelOrder order;
    for (int at = prefix.last; at != kNothing; at = taken_[static_cast<size_t>(at)].before)
      order.push_back(taken_[static_cast<size_t>(at)].kernel);
    std::reverse(order.begin(), order.end());
    return order;
  }

  const OrderProblem &p_;
  std::vector<Taken> taken_;
};

} // namespace

KernelOrder beam_search(const OrderProblem &problem, int64_t limit) { return BeamSearch(problem).run(limit); }

} // namespace gradc
