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

class BufferMerger {
public:
  explicit BufferMerger(const std::vector<StoredValue> &stored) : stored_(stored), gave_(stored.size(), false) {
    result_.in_place.assign(stored.size(), false);
    for (const StoredValue &s : stored) {
      result_.buffer_of.push_back(result_.buffers.size());
      result_.buffers.push_back({s.bytes, s.writer, s.readers.back()});
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
    drop_unused();
    return std::move(result_);
  }

private:
  // A larger donor keeps bytes that nobody needs: only where the peak stays as it is.
  void merge(const TakeOver &t, bool larger) {
    bool dies = stored_[t.donor].readers.back() == stored_[t.taker].writer;
    if (!dies || gave_[t.donor] || result_.in_place[t.taker])
      return;
    std::vector<Buffer> merged = result_.buffers;
    size_t from = result_.buffer_of[t.taker], to = result_.buffer_of[t.donor];
    merged[to].last = merged[from].last;
    merged[to].bytes = std::max(merged[to].bytes, merged[from].bytes);
    merged[from].bytes = 0;
    if (larger && largest_live_bytes(merged) > largest_live_bytes(result_.buffers))
      return;
    result_.buffers = std::move(merged);
    std::replace(result_.buffer_of.begin(), result_.buffer_of.end(), from, to);
    result_.in_place[t.taker] = gave_[t.donor] = true;
  }

  void drop_unused() {
    std::vector<Buffer> used;
    std::vector<size_t> &of = result_.buffer_of;
    for (size_t b = 0; b < result_.buffers.size(); ++b) {
      if (std::find(of.begin(), of.end(), b) == of.end())
        continue;
      std::replace(of.begin(), of.end(), b, used.size());
      used.push_back(result_.buffers[b]);
    }
    result_.buffers = std::move(used);
  }

  const std::vector<StoredValue> &stored_;
  std::vector<bool> gave_;
  Sharing result_;
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
