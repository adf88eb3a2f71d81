#include "passes/offsets.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

namespace gradc {
namespace {

// Effort, in elementary steps of about a nanosecond or two.
constexpr int64_t kQuickSteps = 4'000'000, kLocalSteps = 60'000'000, kLongSteps = 60'000'000;
constexpr int kMaxTries = 50'000; // of the local search

using Order = std::vector<size_t>;

int64_t arena_of(const std::vector<Buffer> &buffers) {
  int64_t arena = 0;
  for (const Buffer &b : buffers)
    arena = std::max(arena, b.offset + b.bytes);
  return arena;
}

// Bytes in use at each time.
std::vector<int64_t> live_bytes(const std::vector<Buffer> &buffers) {
  int end = 0;
  for (const Buffer &b : buffers)
    end = std::max(end, b.last + 1);
  std::vector<int64_t> live(static_cast<size_t>(end) + 1, 0);
  for (const Buffer &b : buffers) {
    live[static_cast<size_t>(b.first)] += b.bytes;
    live[static_cast<size_t>(b.last) + 1] -= b.bytes;
  }
  std::partial_sum(live.begin(), live.end(), live.begin());
  return live;
}

// Orders of placement that are known to do well, best first where they tie.
std::vector<Order> classic_orders(const std::vector<Buffer> &buffers) {
  using Key = std::pair<int64_t, int64_t>;
  auto life = [](const Buffer &b) { return int64_t{b.last} - b.first + 1; };
  const std::vector<int64_t> live = live_bytes(buffers);
  auto crowd = [&](const Buffer &b) { return *std::max_element(live.begin() + b.first, live.begin() + b.last + 1); };
  const std::vector<std::function<Key(const Buffer &)>> keys = {
      [](const Buffer &b) { return Key(-b.bytes, b.first); },
      [&](const Buffer &b) { return Key(-b.bytes * life(b), -b.bytes); },
      [](const Buffer &b) { return Key(b.first, -b.bytes); },
      [](const Buffer &b) { return Key(-int64_t{b.last}, -b.bytes); },
      [&](const Buffer &b) { return Key(-life(b), -b.bytes); },
      [&](const Buffer &b) { return Key(-crowd(b), -life(b)); }, // the peak first, then what fits around it
      [&](const Buffer &b) { return Key(-crowd(b), -b.bytes); },
  };
  std::vector<Order> orders;
  for (const auto &key : keys) {
    Order order(buffers.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return key(buffers[a]) < key(buffers[b]); });
    orders.push_back(std::move(order));
  }
  return orders;
}

// For every buffer those it may not share bytes with.
std::vector<std::vector<size_t>> conflicts_of(const std::vector<Buffer> &buffers) {
  std::vector<std::vector<size_t>> conflicts(buffers.size());
  for (size_t i = 0; i < buffers.size(); ++i)
    for (size_t j = 0; j < buffers.size(); ++j)
      if (i != j && buffers[i].overlaps_in_time(buffers[j]))
        conflicts[i].push_back(j);
  return conflicts;
}

// Places buffers one by one, each in the lowest or in the tightest gap it fits.
class Placer {
public:
  Placer(std::vector<Buffer> &buffers, const std::vector<std::vector<size_t>> &conflicts)
      : buffers_(buffers), conflicts_(conflicts) {}

  int64_t steps = 0;

  int64_t place(const Order &order, bool best_fit) {
    placed_.assign(buffers_.size(), false);
    int64_t arena = 0;
    for (size_t i : order) {
      buffers_[i].offset = find_offset(i, best_fit);
      placed_[i] = true;
      arena = std::max(arena, buffers_[i].offset + buffers_[i].bytes);
    }
    return arena;
  }

private:
  int64_t find_offset(size_t i, bool best_fit) {
    taken_.clear();
    for (size_t j : conflicts_[i])
      if (placed_[j])
        taken_.emplace_back(buffers_[j].offset, buffers_[j].offset + buffers_[j].bytes);
    std::sort(taken_.begin(), taken_.end());
    steps += static_cast<int64_t>(conflicts_[i].size() + 8 * taken_.size());
    int64_t end = 0, best = -1, best_gap = std::numeric_limits<int64_t>::max();
    for (auto [from, to] : taken_) {
      if (from - end >= buffers_[i].bytes && from - end < best_gap) {
        best = end;
        best_gap = from - end;
        if (!best_fit)
          return best;
      }
      end = std::max(end, to);
    }
    return best >= 0 ? best : end;
  }

  std::vector<Buffer> &buffers_;
  const std::vector<std::vector<size_t>> &conflicts_;
  std::vector<bool> placed_;
  std::vector<std::pair<int64_t, int64_t>> taken_;
};

// Depth-first search for offsets within a capacity. A placement is canonical when every buffer rests on the bottom or
// on another one and buffers are placed in order of their offsets; if any placement fits, a canonical one does.
class CanonicalSearch {
public:
  CanonicalSearch(std::vector<Buffer> &buffers, const std::vector<std::vector<size_t>> &conflicts, int64_t capacity)
      : buffers_(buffers), conflicts_(conflicts), capacity_(capacity), placed_(buffers.size(), false),
        rest_(buffers.size(), 0) {
    for (const Buffer &b : buffers)
      if (waiting_.size() < static_cast<size_t>(b.last) + 1)
        waiting_.resize(static_cast<size_t>(b.last) + 1, 0);
    for (const Buffer &b : buffers)
      add_waiting(b, b.bytes);
  }

  // Tries buffers in the given order at every level; false when none fits or the steps are used up.
  bool run(const Order &order, int64_t steps) {
    order_ = &order;
    steps_ = steps;
    return extend(buffers_.size(), 0, 0);
  }

private:
  void add_waiting(const Buffer &b, int64_t bytes) {
    for (int t = b.first; t <= b.last; ++t)
      waiting_[static_cast<size_t>(t)] += bytes;
  }

  // What still waits lies above the lowest offset any of it can have.
  bool fits(int64_t bottom) {
    lowest_.assign(waiting_.size(), std::numeric_limits<int64_t>::max());
    for (size_t i = 0; i < buffers_.size(); ++i) {
      if (placed_[i])
        continue;
      const Buffer &b = buffers_[i];
      int64_t at = std::max(rest_[i], bottom);
      steps_ -= b.last - b.first + 1;
      for (int t = b.first; t <= b.last; ++t)
        lowest_[static_cast<size_t>(t)] = std::min(lowest_[static_cast<size_t>(t)], at);
    }
    for (size_t t = 0; t < waiting_.size(); ++t)
      if (waiting_[t] > 0 && lowest_[t] + waiting_[t] > capacity_)
        return false;
    return true;
  }

  bool extend(size_t left, int64_t bottom, size_t rank) {
    if (left == 0)
      return true;
    steps_ -= static_cast<int64_t>(buffers_.size() + waiting_.size());
    if (steps_ < 0 || !fits(bottom))
      return false;
    // A buffer that would lie wholly below every offset still to come can as well be placed now.
    int64_t lowest_end = std::numeric_limits<int64_t>::max();
    for (size_t i = 0; i < buffers_.size(); ++i)
      if (!placed_[i])
        lowest_end = std::min(lowest_end, std::max(rest_[i], bottom) + buffers_[i].bytes);
    for (size_t r = 0; r < order_->size(); ++r) {
      size_t i = (*order_)[r];
      bool ordered = rest_[i] > bottom || (rest_[i] == bottom && r >= rank);
      if (!placed_[i] && ordered && rest_[i] < lowest_end && put(i, left, r))
        return true;
    }
    return false;
  }

  bool put(size_t i, size_t left, size_t r) {
    Buffer &b = buffers_[i];
    b.offset = rest_[i];
    int64_t end = b.offset + b.bytes;
    if (end > capacity_)
      return false;
    size_t mark = trail_.size();
    placed_[i] = true;
    add_waiting(b, -b.bytes);
    for (size_t j : conflicts_[i])
      if (!placed_[j] && rest_[j] < end) {
        trail_.emplace_back(j, rest_[j]);
        rest_[j] = end;
      }
    steps_ -= static_cast<int64_t>(conflicts_[i].size()) + b.last - b.first;
    if (extend(left - 1, b.offset, r))
      return true;
    for (; trail_.size() > mark; trail_.pop_back())
      rest_[trail_.back().first] = trail_.back().second;
    add_waiting(b, b.bytes);
    placed_[i] = false;
    return false;
  }

  std::vector<Buffer> &buffers_;
  const std::vector<std::vector<size_t>> &conflicts_;
  int64_t capacity_, steps_ = 0;
  const Order *order_ = nullptr;
  std::vector<bool> placed_;
  std::vector<int64_t> rest_;    // where each waiting buffer would rest
  std::vector<int64_t> waiting_; // bytes still to place, at each time
  std::vector<int64_t> lowest_;
  std::vector<std::pair<size_t, int64_t>> trail_; // what to undo
};

class OffsetSearch {
public:
  explicit OffsetSearch(std::vector<Buffer> &buffers)
      : best_(buffers), trial_(buffers), conflicts_(conflicts_of(buffers)), orders_(classic_orders(buffers)),
        bound_(largest_live_bytes(buffers)), arena_(std::numeric_limits<int64_t>::max()) {}

  int64_t run() {
    greedy();
    if (arena_ > bound_)
      canonical(bound_, kQuickSteps);
    if (!close()) {
      local();
      for (int64_t quarter = 0; quarter < 4 && !close(); ++quarter)
        canonical(bound_ + (arena_ - bound_) * quarter / 4, kLongSteps / 4);
    }
    return arena_;
  }

private:
  bool close() const { return arena_ <= bound_ + bound_ / 50; }

  bool keep(int64_t arena) {
    if (arena >= arena_)
      return false;
    arena_ = arena;
    best_ = trial_;
    return true;
  }

  void greedy() {
    Placer placer(trial_, conflicts_);
    for (size_t i = 0; i < orders_.size() && arena_ > bound_; ++i)
      for (bool best_fit : {false, true})
        if (keep(placer.place(orders_[i], best_fit))) {
          start_ = i;
          best_fit_ = best_fit;
        }
  }

  // Swaps a buffer at the top of the arena with one that is placed before it; keeps what is not worse.
  void local() {
    Placer placer(trial_, conflicts_);
    Order order = orders_[start_];
    int64_t current = placer.place(order, best_fit_);
    uint64_t random = 0x9e3779b97f4a7c15;
    auto draw = [&](size_t n) {
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;
      return static_cast<size_t>(random % n);
    };
    std::vector<size_t> tops;
    for (int tries = 0; tries < kMaxTries && placer.steps < kLocalSteps && !close(); ++tries) {
      tops.clear();
      for (size_t p = 1; p < order.size(); ++p)
        if (const Buffer &b = trial_[order[p]]; b.offset + b.bytes == current)
          tops.push_back(p);
      if (tops.empty())
        return;
      size_t top = tops[draw(tops.size())], other = draw(draw(4) == 0 ? order.size() : top);
      std::swap(order[top], order[other]);
      int64_t arena = placer.place(order, best_fit_);
      keep(arena);
      if (arena <= current) {
        current = arena;
      } else {
        std::swap(order[top], order[other]);
        placer.place(order, best_fit_);
      }
    }
  }

  void canonical(int64_t capacity, int64_t steps) {
    for (const Order &order : orders_) {
      trial_ = best_;
      CanonicalSearch search(trial_, conflicts_, capacity);
      if (search.run(order, steps / static_cast<int64_t>(orders_.size())) && keep(arena_of(trial_)))
        return;
    }
  }

  std::vector<Buffer> &best_;
  std::vector<Buffer> trial_;
  std::vector<std::vector<size_t>> conflicts_;
  std::vector<Order> orders_;
  int64_t bound_, arena_;
  size_t start_ = 0;
  bool best_fit_ = false;
};

} // namespace

int64_t largest_live_bytes(const std::vector<Buffer> &buffers) {
  const std::vector<int64_t> live = live_bytes(buffers);
  return *std::max_element(live.begin(), live.end());
}

int64_t assign_offsets(std::vector<Buffer> &buffers) {
  return buffers.empty() ? 0 : OffsetSearch(buffers).run();
}

} // namespace gradc
