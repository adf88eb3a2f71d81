#include "passes/fuse.h"

#include "ir/error.h"
#include "ir/lowering/lower.h"
#include "ir/lowering/nests.h"
#include "ir/lowering/region_keys.h"
#include "ir/op.h"
#include "passes/dce.h"
#include "passes/fusion_rules.h"
#include "passes/legalize_outputs.h"
#include "passes/storage.h"
#include "passes/units.h"

#include <algorithm>
#include <map>
#include <set>

namespace gradc {
namespace {

class Fuser {
public:
  Fuser(Graph &graph, const PassTarget &target) : graph_(graph), target_(target), units_(graph), keys_(graph) {
    for (const Update &update : graph_.updates)
      states_.emplace(update.value, update.target);
  }

  void run() {
    merge_all();
    begin(Phase::siblings);
    merge_siblings();
    begin(Phase::scalars);
    merge_all();
    begin(Phase::row_tiles);
    merge_all();
    rebuild();
  }

  std::vector<Apart> apart() {
    phase_ = Phase::row_tiles;
    std::vector<Apart> found;
    std::set<std::pair<int, int>> seen;
    for (Value v = 0; v < graph_.size(); ++v)
      for (Value input : graph_[v].inputs) {
        const Value from = storage_root(graph_, input);
        const int a = units_.group(from), b = units_.group(v);
        if (a >= 0 && b >= 0 && a != b && seen.insert({a, b}).second)
          found.push_back({graph_[from].kernel, graph_[v].kernel, from, from == input ? why_apart(a, b) : "it is read in another shape"});
      }
    return found;
  }

private:
  // In this order: what binds together what has little in common comes late.
  enum class Phase {
    chains,    // producers and consumers
    siblings,  // readers of one value, where one loop nest serves both
    scalars,   // also neighbours that have only a scalar in common
    row_tiles, // also contractions that hand over tiles of rows: they bind all that joins to loops over rows
  };

  // What is true of a region whatever the phase, and so of all regions like it.
  struct Facts {
    std::string refusal; // why it is no kernel, or no good one; empty when it is
    bool one_nest = true, tiles_rows = false, breaks_update = false;
  };
  enum class Verdict { together, not_in_this_phase, apart };
  // Groups that stay apart as long as both have so many nodes: groups only grow.
  struct Refusal {
    std::pair<size_t, size_t> sizes;
    bool of_phase;
  };

  void begin(Phase phase) {
    phase_ = phase;
    std::erase_if(refused_, [](const auto &r) { return r.second.of_phase; });
  }

  // A state overwritten in place may be read in the same kernel only where it is written.
  bool breaks_update(const LoweredKernel &lowered) const {
    for (size_t write = 0; write < lowered.values.size(); ++write) {
      auto [begin, end] = states_.equal_range(lowered.values[write]);
      for (auto state = begin; state != end; ++state)
        for (size_t i = 0; i < lowered.values.size(); ++i)
          if (storage_root(graph_, lowered.values[i], becomes_view) == state->second &&
              !reads_only_where_it_writes(lowered.kernel, static_cast<int>(i), static_cast<int>(write)))
            return true;
    }
    return false;
  }

  // Regions that write states are alike only if what they read is of these states in the same way.
  std::vector<uint32_t> key_of(const Units::Region &region) {
    RegionKey key = keys_.of(region.nodes, region.outputs);
    const bool writes_state = std::any_of(region.outputs.begin(), region.outputs.end(), [&](Value v) { return states_.contains(v); });
    if (!writes_state)
      return std::move(key.words);
    std::vector<Value> roots;
    for (Value v : key.outside)
      roots.push_back(storage_root(graph_, v, becomes_view));
    auto add = [&](Value root) {
      key.words.push_back(static_cast<uint32_t>(std::find(roots.begin(), roots.end(), root) - roots.begin()));
    };
    for (Value root : roots)
      add(root);
    for (size_t i = 0; i < region.outputs.size(); ++i) {
      auto [begin, end] = states_.equal_range(region.outputs[i]);
      for (auto state = begin; state != end; ++state) {
        key.words.push_back(static_cast<uint32_t>(i));
        add(state->second);
      }
    }
    return std::move(key.words);
  }

  const Facts &facts_of(const Units::Region &region) {
    auto [known, fresh] = facts_.try_emplace(key_of(region));
    Facts &facts = known->second;
    if (!fresh)
      return facts;
    try {
      const LoweredKernel lowered = lower_region(graph_, region.nodes, region.outputs);
      facts.refusal = why_not_one_kernel(lowered.kernel, target_);
      if (facts.refusal.empty()) {
        facts.one_nest = one_nest(lowered.kernel);
        facts.tiles_rows = tiles_rows(lowered.kernel, target_);
        facts.breaks_update = breaks_update(lowered);
      }
    } catch (const Unfusable &reason) {
      facts.refusal = reason.what();
    }
    return facts;
  }

  bool too_many_nodes(int a, int b) const { return units_.members(a).size() + units_.members(b).size() > kMostNodes; }

  // What is cheap to know comes first: regions that are alike are judged once, but every cycle is another one.
  Verdict judge(int a, int b) {
    if (too_many_nodes(a, b) || units_.results(a) + units_.results(b) > kMaxTensors)
      return Verdict::apart;
    const Facts &facts = facts_of(units_.merged(a, b));
    if (!facts.refusal.empty() || facts.breaks_update)
      return Verdict::apart;
    if ((phase_ == Phase::siblings && !facts.one_nest) || (phase_ < Phase::row_tiles && facts.tiles_rows))
      return Verdict::not_in_this_phase;
    return units_.makes_cycle(a, b) ? Verdict::apart : Verdict::together;
  }

  // The same for people.
  std::string why_apart(int a, int b) {
    if (units_.makes_cycle(a, b))
      return "each needs the other to run first";
    if (too_many_nodes(a, b))
      return "too many operations for one kernel";
    const Facts &facts = facts_of(units_.merged(a, b));
    return facts.breaks_update ? "a parameter would be overwritten before its last read" : facts.refusal;
  }

  bool try_merge(Value producer, Value consumer) {
    const int a = units_.group(producer), b = units_.group(consumer);
    if (a < 0 || b < 0 || a == b)
      return false;
    const auto sizes = std::pair(units_.members(a).size(), units_.members(b).size());
    const uint64_t pair = static_cast<uint64_t>(a) << 32 | static_cast<uint64_t>(b);
    if (auto known = refused_.find(pair); known != refused_.end() && known->second.sizes == sizes)
      return false;
    if (const Verdict verdict = judge(a, b); verdict != Verdict::together) {
      refused_[pair] = {sizes, verdict == Verdict::not_in_this_phase};
      return false;
    }
    units_.merge(a, b);
    return true;
  }

  void merge_all() {
    for (size_t merges = 1; merges > 0;)
      merges = merge_into_sole_consumer() + merge_neighbours();
  }

  // A value with one consuming kernel vanishes from memory when it moves there. Consumers first, so chains collapse.
  size_t merge_into_sole_consumer() {
    size_t merges = 0;
    for (Value v = static_cast<Value>(graph_.size()); v-- > 0;) {
      const std::vector<Value> &users = units_.users(v);
      if (units_.group(v) < 0 || units_.live_out(v) || users.empty())
        continue;
      const int consumer = units_.group(users[0]);
      if (std::all_of(users.begin(), users.end(), [&](Value u) { return units_.group(u) == consumer; }))
        merges += try_merge(v, users[0]);
    }
    return merges;
  }

  // What is left: the value is stored anyway, but a kernel that joins its producer need not read it back.
  size_t merge_neighbours() {
    size_t merges = 0;
    for (Value v = 0; v < graph_.size(); ++v)
      if (units_.group(v) >= 0)
        for (Value input : graph_[v].inputs)
          if (phase_ >= Phase::scalars || graph_.type(input).elements() > 1)
            merges += try_merge(input, v);
    return merges;
  }

  // Kernels with an operand in common, where one loop nest serves both: the operand is read once. Of the readers before one
  // it is enough to ask the first of each group, until one merges.
  void merge_siblings() {
    for (Value v = 0; v < graph_.size(); ++v) {
      if (graph_.type(v).elements() <= 1)
        continue;
      const std::vector<Value> &users = units_.users(v);
      std::vector<size_t> firsts; // of the groups so far
      for (size_t b = 0; b < users.size(); ++b)
        if (!joins_sibling(users, firsts, b))
          firsts.push_back(b);
    }
  }

  // Whether reader b is of the group of one before it, or becomes so.
  bool joins_sibling(const std::vector<Value> &users, const std::vector<size_t> &firsts, size_t b) {
    bool joined = false;
    for (size_t first : firsts) {
      joined |= units_.group(users[first]) == units_.group(users[b]);
      if (!try_merge(users[first], users[b]))
        continue;
      for (size_t a = first + 1; a < b; ++a)
        try_merge(users[a], users[b]);
      return true;
    }
    return joined;
  }

  void rebuild();

  static constexpr size_t kMostNodes = 256; // of a kernel: its code is compiled in more than linear time

  Graph &graph_;
  const PassTarget &target_;
  Units units_;
  RegionKeys keys_;
  Phase phase_ = Phase::chains;
  std::multimap<Value, Value> states_; // from a value to the state it is written to
  RegionMap<Facts> facts_;
  std::unordered_map<uint64_t, Refusal> refused_; // by both groups
};

// Emits declarations, constants and then units (kernels and views) in an order that data and states allow: of those that may
// come next always the one whose first node is the first.
void Fuser::rebuild() {
  Rewriter rewriter(graph_);
  for (Value v = 0; v < graph_.size(); ++v)
    if (graph_[v].is_declaration() || is_constant(graph_[v]))
      rewriter.copy(v);
  std::vector<size_t> waits_for(graph_.size(), 0);
  std::vector<Value> units; // by their first node
  std::vector<size_t> place(graph_.size());
  std::vector<bool> listed(graph_.size(), false);
  for (Value v = 0; v < graph_.size(); ++v)
    if (const Value u = units_.unit(v); !rewriter.has(v) && units_.group(v) != Units::kFree && !listed[u]) {
      listed[u] = true;
      place[u] = units.size();
      units.push_back(u);
    }
  for (Value u : units)
    for (Value next : units_.successors(u))
      ++waits_for[next];
  std::set<size_t> ready;
  for (Value u : units)
    if (waits_for[u] == 0)
      ready.insert(place[u]);
  int kernel = 0;
  size_t done = 0;
  for (; !ready.empty(); ++done) {
    const Value u = units[*ready.begin()];
    ready.erase(ready.begin());
    for (Value v : units_.nodes_of(u))
      rewriter.to()[rewriter.copy(v)].kernel = units_.computes(u) ? kernel : kNoKernel;
    kernel += units_.computes(u);
    for (Value next : units_.successors(u))
      if (--waits_for[next] == 0)
        ready.insert(place[next]);
  }
  internal_check(done == units.size(), "fuse: kernels depend on each other in a circle");
  graph_ = rewriter.finish();
}

} // namespace

bool fuse(Graph &graph, const PassOptions &options) {
  if (graph.kernel_count() > 0)
    return false;
  legalize_outputs(graph);
  dce(graph); // a kernel without results has no meaning
  Fuser(graph, options.target).run();
  return true;
}

std::vector<Apart> kernels_apart(const Graph &fused, const PassOptions &options) {
  Graph graph = fused;
  return Fuser(graph, options.target).apart();
}

} // namespace gradc
