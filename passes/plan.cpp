#include "passes/plan.h"

#include "ir/lower.h"
#include "ir/op.h"
#include "passes/storage.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>

namespace gradc {
namespace {

using Space = Placement::Space;

// A run of bytes that one or, by in-place writes, several values use one after the other.
struct Buffer {
  int64_t bytes;
  int first, last;
  int64_t offset = 0;
  bool overlaps_in_time(const Buffer &o) const { return first <= o.last && o.first <= last; }
};

// Lowest or tightest gap among the placed buffers that live at the same time.
int64_t find_offset(const Buffer &buffer, const std::vector<const Buffer *> &placed, bool best_fit) {
  std::vector<std::pair<int64_t, int64_t>> taken;
  for (const Buffer *p : placed)
    if (p->overlaps_in_time(buffer))
      taken.emplace_back(p->offset, p->offset + p->bytes);
  std::sort(taken.begin(), taken.end());
  int64_t end = 0, best = -1, best_gap = 0;
  for (auto [from, to] : taken) {
    int64_t gap = from - end;
    if (gap >= buffer.bytes && (best < 0 || gap < best_gap)) {
      best = end;
      best_gap = gap;
      if (!best_fit)
        return best;
    }
    end = std::max(end, to);
  }
  return best >= 0 ? best : end;
}

int64_t place(std::vector<Buffer> &buffers, const std::vector<size_t> &order, bool best_fit) {
  std::vector<const Buffer *> placed;
  int64_t arena = 0;
  for (size_t i : order) {
    buffers[i].offset = find_offset(buffers[i], placed, best_fit);
    placed.push_back(&buffers[i]);
    arena = std::max(arena, buffers[i].offset + buffers[i].bytes);
  }
  return arena;
}

// Tries the classic orders with first and best fit and keeps the smallest arena.
int64_t assign_offsets(std::vector<Buffer> &buffers) {
  auto life = [](const Buffer &b) { return int64_t{b.last - b.first + 1}; };
  const std::vector<std::function<std::pair<int64_t, int64_t>(const Buffer &)>> keys = {
      [](const Buffer &b) { return std::pair(-b.bytes, int64_t{b.first}); },
      [&](const Buffer &b) { return std::pair(-b.bytes * life(b), -b.bytes); },
      [](const Buffer &b) { return std::pair(int64_t{b.first}, -b.bytes); },
      [](const Buffer &b) { return std::pair(-int64_t{b.last}, -b.bytes); },
      [&](const Buffer &b) { return std::pair(-life(b), -b.bytes); },
  };
  std::vector<Buffer> best;
  int64_t best_arena = -1;
  for (const auto &key : keys)
    for (bool best_fit : {false, true}) {
      std::vector<size_t> order(buffers.size());
      std::iota(order.begin(), order.end(), size_t{0});
      std::stable_sort(order.begin(), order.end(),
                       [&](size_t a, size_t b) { return key(buffers[a]) < key(buffers[b]); });
      int64_t arena = place(buffers, order, best_fit);
      if (best_arena < 0 || arena < best_arena) {
        best_arena = arena;
        best = buffers;
      }
    }
  buffers = best;
  return std::max<int64_t>(best_arena, 0);
}

class Planner {
public:
  explicit Planner(Graph &graph) : graph_(graph) { plan_.places.resize(graph.size()); }

  void run() {
    place_declarations();
    place_results();
    place_workspace();
    place_views();
    graph_.plan = std::move(plan_);
  }

private:
  Placement &at(Value v) { return plan_.places[v]; }

  void place_declarations() {
    int64_t inputs = 0, scalars = 0, constants = 0;
    std::map<Space, int64_t> end;
    for (Value v = 0; v < graph_.size(); ++v) {
      const Node &node = graph_[v];
      int64_t bytes = node.type.bytes();
      if (node.role == Role::input)
        at(v) = {.space = Space::input, .index = inputs++, .bytes = bytes};
      else if (node.role == Role::scalar)
        at(v) = {.space = Space::scalar, .index = scalars++, .bytes = bytes};
      else if (is_state(node.role)) {
        Space space = node.role == Role::param ? Space::params : node.role == Role::slot ? Space::slots : Space::grads;
        at(v) = {.space = space, .offset = end[space], .bytes = bytes};
        end[space] += aligned(bytes);
      } else if (node.op->name == "constant" && !node.attrs.contains("value"))
        at(v) = {.space = Space::constant, .index = constants++, .bytes = bytes};
    }
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
    std::vector<LoweredKernel> kernels = lower_kernels(graph_);
    std::vector<Buffer> buffers;
    std::map<Value, size_t> buffer_of;
    std::stable_sort(stored.begin(), stored.end(),
                     [](const StoredValue &a, const StoredValue &b) { return a.writer < b.writer; });
    for (const StoredValue &s : stored) {
      int last = s.readers.back();
      auto donor = std::find_if(stored.begin(), stored.end(), [&](const StoredValue &d) {
        return d.writer < s.writer && d.bytes == s.bytes && buffers[buffer_of[d.value]].last == s.writer &&
               may_take_over(kernels[static_cast<size_t>(s.writer)], d.value, s.value);
      });
      bool in_place = donor != stored.end();
      if (in_place) {
        buffer_of[s.value] = buffer_of[donor->value];
        buffers[buffer_of[s.value]].last = last;
      } else {
        buffer_of[s.value] = buffers.size();
        buffers.push_back({s.bytes, s.writer, last});
      }
      at(s.value) = {.space = Space::workspace, .bytes = graph_.type(s.value).bytes(), .first = s.writer,
                     .last = last, .in_place = in_place};
    }
    plan_.arena_bytes = assign_offsets(buffers);
    for (const auto &[v, b] : buffer_of)
      at(v).offset = buffers[b].offset;
    for (int k = 0; k < graph_.kernel_count(); ++k) {
      int64_t live = 0;
      for (const Buffer &b : buffers)
        live += b.first <= k && k <= b.last ? b.bytes : 0;
      plan_.lower_bound = std::max(plan_.lower_bound, live);
    }
  }

  bool may_take_over(const LoweredKernel &lowered, Value donor, Value taker) {
    if (graph_.type(donor) != graph_.type(taker))
      return false;
    int read = -1, write = -1;
    for (size_t i = 0; i < lowered.values.size(); ++i) {
      Value v = lowered.values[i];
      if (v == taker)
        write = static_cast<int>(i);
      else if (v == donor)
        read = static_cast<int>(i);
      else if (storage_root(graph_, v) == donor)
        return false; // read through a view, at other indices
    }
    return read >= 0 && write >= 0 && reads_only_where_it_writes(lowered.kernel, read, write);
  }

  void place_views() {
    for (Value v = 0; v < graph_.size(); ++v)
      if (is_view(graph_, v))
        at(v) = at(storage_root(graph_, v));
  }

  Graph &graph_;
  Plan plan_;
};

} // namespace

bool plan(Graph &graph) {
  if (graph.plan)
    return false;
  Planner(graph).run();
  return true;
}

} // namespace gradc
