#include "passes/plan.h"

#include "ir/op.h"
#include "passes/offsets.h"
#include "passes/storage.h"

#include <algorithm>
#include <map>

namespace gradc {
namespace {

// Which stored values use the same bytes one after the other.
struct Sharing {
  std::vector<Buffer> buffers;
  std::vector<size_t> buffer_of; // by stored value
  std::vector<bool> in_place;    // by stored value: it takes over from another
};

// The bytes in use in each kernel, and the most of them: a tree over the kernels, each of whose nodes holds what is added to
// all kernels below it, and the most that is in use below it counting that.
class LiveBytes {
public:
  explicit LiveBytes(const std::vector<StoredValue> &stored) {
    for (const StoredValue &s : stored)
      kernels_ = std::max(kernels_, s.readers.back() + 1);
    for (std::vector<int64_t> *list : {&added_, &most_})
      list->assign(4 * static_cast<size_t>(kernels_), 0);
    for (const StoredValue &s : stored)
      add({s.bytes, s.writer, s.readers.back()}, 1);
  }

  void add(const Buffer &b, int64_t times) { add(0, 0, kernels_, b.first, b.last + 1, b.bytes * times); }
  int64_t most() const { return most_[0]; }

private:
  void add(size_t node, int begin, int end, int from, int to, int64_t bytes) {
    if (from >= end || to <= begin)
      return;
    if (from <= begin && end <= to) {
      added_[node] += bytes;
      most_[node] += bytes;
      return;
    }
    const int middle = begin + (end - begin) / 2;
    add(2 * node + 1, begin, middle, from, to, bytes);
    add(2 * node + 2, middle, end, from, to, bytes);
    most_[node] = added_[node] + std::max(most_[2 * node + 1], most_[2 * node + 2]);
  }

  int kernels_ = 0;
  std::vector<int64_t> added_, most_;
};

class BufferMerger {
public:
  explicit BufferMerger(const std::vector<StoredValue> &stored)
      : stored_(stored), live_(stored), gave_(stored.size(), false), in_place_(stored.size(), false) {
    for (const StoredValue &s : stored) {
      into_.push_back(buffers_.size());
      buffers_.push_back({s.bytes, s.writer, s.readers.back()});
    }
  }

  Sharing run(std::vector<TakeOver> candidates) {
    auto rank = [&](const TakeOver &t) { return std::pair(stored_[t.taker].writer, stored_[t.donor].bytes); };
    std::stable_sort(candidates.begin(), candidates.end(),
                     [&](const TakeOver &a, const TakeOver &b) { return rank(a) < rank(b); });
    for (bool larger : {false, true})
      for (const TakeOver &t : candidates)
        if (larger == (stored_[t.donor].bytes > stored_[t.taker].bytes))
          merge(t, larger);
    return used();
  }

private:
  // The buffer that stored value i uses, by way of those that were merged into others.
  size_t buffer_of(size_t i) {
    while (into_[i] != i)
      i = into_[i] = into_[into_[i]];
    return i;
  }

  // A larger donor keeps bytes that nobody needs: only where the peak stays as it is.
  void merge(const TakeOver &t, bool larger) {
    bool dies = stored_[t.donor].readers.back() == stored_[t.taker].writer;
    if (!dies || gave_[t.donor] || in_place_[t.taker])
      return;
    const size_t from = buffer_of(t.taker), to = buffer_of(t.donor);
    const Buffer taker = buffers_[from], donor = buffers_[to];
    const Buffer merged{std::max(donor.bytes, taker.bytes), donor.first, taker.last};
    const int64_t peak = live_.most();
    live_.add(taker, -1);
    live_.add(donor, -1);
    live_.add(merged, 1);
    if (larger && live_.most() > peak) {
      live_.add(merged, -1);
      live_.add(donor, 1);
      live_.add(taker, 1);
      return;
    }
    buffers_[to] = merged;
    into_[from] = to;
    in_place_[t.taker] = gave_[t.donor] = true;
  }

  Sharing used() {
    Sharing result;
    std::vector<size_t> number(buffers_.size());
    for (size_t i = 0; i < buffers_.size(); ++i)
      if (into_[i] == i) {
        number[i] = result.buffers.size();
        result.buffers.push_back(buffers_[i]);
      }
    for (size_t i = 0; i < stored_.size(); ++i)
      result.buffer_of.push_back(number[buffer_of(i)]);
    result.in_place = std::move(in_place_);
    return result;
  }

  const std::vector<StoredValue> &stored_;
  LiveBytes live_;
  std::vector<Buffer> buffers_; // one a stored value
  std::vector<size_t> into_;    // which other a buffer was merged into, or itself
  std::vector<bool> gave_, in_place_;
};

class Planner {
public:
  explicit Planner(Graph &graph) : graph_(graph) { plan_.places.resize(graph.size()); }

  void run() {
    int64_t all = 0; // no offset is above this, nor any sum of live bytes
    for (const Node &node : graph_.nodes)
      all = checked_add(all, aligned(node.type.bytes()));
    place_declarations();
    place_results();
    place_workspace();
    place_views();
    graph_.plan = std::move(plan_);
  }

private:
  Placement &at(Value v) { return plan_.places[v]; }

  // Buffers that data write come first in their arena, so that they are one block: ranks average them with the gradients.
  void place_declarations() {
    int64_t inputs = 0, scalars = 0, constants = 0;
    for (Value v = 0; v < graph_.size(); ++v) {
      const Node &node = graph_[v];
      const int64_t bytes = node.type.bytes();
      if (node.role == Role::input)
        at(v) = {.space = Space::input, .index = inputs++, .bytes = bytes};
      else if (node.role == Role::scalar)
        at(v) = {.space = Space::scalar, .index = scalars++, .bytes = bytes};
      else if (is_state(node.role) && written_by_data(node))
        place_state(v);
      else if (is_constant(node) && !node.attrs.contains("value"))
        at(v) = {.space = Space::constant, .index = constants++, .bytes = bytes};
    }
    for (Value v = 0; v < graph_.size(); ++v)
      if (is_state(graph_[v].role) && !written_by_data(graph_[v]))
        place_state(v);
  }

  static bool written_by_data(const Node &node) { return node.buffer && node.buffer->writer == Writer::data; }

  void place_state(Value v) {
    const Space space = space_of(graph_[v]);
    const int64_t bytes = graph_.type(v).bytes();
    at(v) = {.space = space, .offset = end_[space], .bytes = bytes};
    end_[space] += aligned(bytes);
  }

  void place_results() {
    for (size_t i = 0; i < graph_.returns.size(); ++i) {
      Value v = graph_.returns[i].value;
      at(v) = {.space = Space::output, .index = static_cast<int64_t>(i), .bytes = graph_.type(v).bytes()};
    }
    for (const Update &update : graph_.updates) {
      at(update.value) = at(update.target);
      at(update.value).in_place = true;
    }
  }

  void place_workspace() {
    std::vector<StoredValue> stored = stored_values(graph_);
    Sharing merged = BufferMerger(stored).run(take_overs(graph_, stored));
    plan_.arena_bytes = assign_offsets(merged.buffers);
    plan_.lower_bound = largest_live_bytes(merged.buffers);
    for (size_t i = 0; i < stored.size(); ++i)
      at(stored[i].value) = {.space = Space::workspace,
                             .offset = merged.buffers[merged.buffer_of[i]].offset,
                             .bytes = graph_.type(stored[i].value).bytes(),
                             .first = stored[i].writer,
                             .last = stored[i].readers.back(),
                             .in_place = merged.in_place[i]};
  }

  void place_views() {
    for (Value v = 0; v < graph_.size(); ++v)
      if (is_view(graph_, v))
        at(v) = at(storage_root(graph_, v));
  }

  Graph &graph_;
  Plan plan_;
  std::map<Space, int64_t> end_; // of what is placed in each arena so far
};

} // namespace

bool plan(Graph &graph) {
  if (graph.plan)
    return false;
  Planner(graph).run();
  return true;
}

} // namespace gradc
