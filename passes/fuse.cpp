#include "passes/fuse.h"

#include "ir/error.h"
#include "ir/lowering/lower.h"
#include "ir/lowering/nests.h"
#include "ir/op.h"
#include "passes/dce.h"
#include "passes/fusion_rules.h"
#include "passes/legalize_outputs.h"
#include "passes/storage.h"

#include <algorithm>
#include <map>
#include <set>

namespace gradc {
namespace {

class Fuser {
public:
  explicit Fuser(Graph &graph) : graph_(graph) {
    users_ = graph_.users();
    live_out_ = graph_.live_out();
    for (const Update &update : graph_.updates)
      states_.emplace(update.value, update.target);
    after_.resize(graph_.size());
    for (const Hazard &h : state_hazards(graph_, becomes_view))
      after_[h.before].push_back(h.after);
    classify();
  }

  void run() {
    merge_all();
    siblings_ = true;
    begin_phase();
    merge_siblings();
    siblings_ = false;
    scalars_ = true; // later: they would bind together what has nothing else in common
    begin_phase();
    merge_all();
    row_tiles_ = true; // last: they bind all that joins to loops over rows
    begin_phase();
    merge_all();
    rebuild();
  }

  std::vector<Apart> apart() {
    row_tiles_ = true;
    std::vector<Apart> found;
    std::set<std::pair<int, int>> seen;
    for (Value v = 0; v < graph_.size(); ++v)
      for (Value input : graph_[v].inputs) {
        const Value from = storage_root(graph_, input);
        if (group_[from] < 0 || group_[v] < 0 || group_[from] == group_[v] || !seen.insert({group_[from], group_[v]}).second)
          continue;
        found.push_back({graph_[from].kernel, graph_[v].kernel, from,
                         from == input ? why_not(group_[from], group_[v]) : "it is read in another shape"});
      }
    return found;
  }

private:
  static constexpr int kNone = -1, kFree = -2;

  bool is_free(const Node &node, Value v) const {
    if (live_out_[v] || node.op->expensive)
      return false;
    bool scalar_inputs = std::all_of(node.inputs.begin(), node.inputs.end(), [&](Value input) {
      const Node &in = graph_[input];
      return group_[input] == kFree || in.role == Role::scalar || is_constant(in);
    });
    bool cheap = node.op->kind == OpKind::source || node.op->kind == OpKind::movement ||
                 (node.op->kind == OpKind::elementwise && node.type.elements() == 1);
    return cheap && scalar_inputs;
  }

  void classify() {
    group_.assign(graph_.size(), kNone);
    std::map<int, int> groups; // of the kernels of a fused graph
    for (Value v = 0; v < graph_.size(); ++v) {
      const Node &node = graph_[v];
      if (node.kernel != kNoKernel)
        group_[v] = groups.emplace(node.kernel, static_cast<int>(v)).first->second;
      else if (node.is_declaration() || is_constant(node))
        continue;
      else if (is_free(node, v))
        group_[v] = kFree;
      else if (!becomes_view(graph_, v))
        group_[v] = static_cast<int>(v); // each its own at first
    }
    members_.resize(graph_.size());
    for (Value v = 0; v < graph_.size(); ++v)
      if (group_[v] >= 0)
        members_[static_cast<size_t>(group_[v])].push_back(v);
  }

  const std::vector<Value> &members(int group) const { return members_[static_cast<size_t>(group)]; }

  // The nodes of a region with the free nodes they use, in order.
  std::vector<Value> with_free(const std::vector<Value> &nodes) const {
    std::set<Value> all(nodes.begin(), nodes.end());
    std::vector<Value> work(nodes);
    while (!work.empty()) {
      Value v = work.back();
      work.pop_back();
      for (Value input : graph_[v].inputs)
        if (group_[input] == kFree && all.insert(input).second)
          work.push_back(input);
    }
    return {all.begin(), all.end()};
  }

  std::vector<Value> outputs(const std::vector<Value> &nodes) const {
    std::set<Value> inside(nodes.begin(), nodes.end());
    std::vector<Value> out;
    for (Value v : nodes) {
      bool outside = std::any_of(users_[v].begin(), users_[v].end(), [&](Value u) { return !inside.contains(u); });
      if (live_out_[v] || outside)
        out.push_back(v);
    }
    return out;
  }

  // What runs as one: a group, by its number, or a lone view, by its value. A group's number is one of its values.
  Value unit(Value v) const { return group_[v] >= 0 ? static_cast<Value>(group_[v]) : v; }
  bool computes(Value unit) const { return group_[unit] >= 0; }
  std::vector<Value> nodes_of(Value unit) const { return computes(unit) ? members(static_cast<int>(unit)) : std::vector{unit}; }
  /// The units that must run after one, through data or hazards; a unit may come several times.
  std::vector<Value> successors(Value from) const {
    std::vector<Value> next;
    for (Value v : nodes_of(from))
      for (const std::vector<Value> *after : {&users_[v], &after_[v]})
        for (Value u : *after)
          if (group_[u] != kFree && unit(u) != from)
            next.push_back(unit(u));
    return next;
  }

  // Whether something outside both must run after one of them and before the other.
  bool makes_cycle(int a, int b) const {
    auto ours = [&](Value unit) { return computes(unit) && (static_cast<int>(unit) == a || static_cast<int>(unit) == b); };
    std::vector<bool> seen(graph_.size(), false);
    std::vector<Value> work;
    for (int group : {a, b})
      for (Value next : successors(static_cast<Value>(group)))
        if (!ours(next) && !seen[next]) {
          seen[next] = true;
          work.push_back(next);
        }
    while (!work.empty()) {
      const Value from = work.back();
      work.pop_back();
      for (Value next : successors(from)) {
        if (ours(next))
          return true;
        if (!seen[next]) {
          seen[next] = true;
          work.push_back(next);
        }
      }
    }
    return false;
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

  // Reasons of a phase; all others stay, as groups only grow.
  static constexpr std::string_view kOneAfterTheOther = "they would read what they have in common one after the other";
  static constexpr std::string_view kTilesOfRows = "they may share tiles of rows";
  void begin_phase() {
    std::erase_if(refused_, [](const auto &r) { return r.second.of_phase; });
  }

  std::string why_not(int a, int b) const {
    if (makes_cycle(a, b))
      return "each needs the other to run first";
    std::vector<Value> nodes = members(a), more = members(b);
    nodes.insert(nodes.end(), more.begin(), more.end());
    std::sort(nodes.begin(), nodes.end());
    try {
      LoweredKernel lowered = lower_region(graph_, with_free(nodes), outputs(nodes));
      if (std::string reason = why_not_one_kernel(lowered.kernel); !reason.empty())
        return reason;
      if (siblings_ && !one_nest(lowered.kernel))
        return std::string(kOneAfterTheOther);
      if (!row_tiles_ && tiles_rows(lowered.kernel))
        return std::string(kTilesOfRows);
      if (breaks_update(lowered))
        return "a parameter would be overwritten before its last read";
    } catch (const Unfusable &reason) {
      return reason.what();
    }
    return "";
  }

  bool try_merge(Value producer, Value consumer) {
    int a = group_[producer], b = group_[consumer];
    if (a < 0 || b < 0 || a == b)
      return false;
    auto sizes = std::pair(members(a).size(), members(b).size());
    if (auto known = refused_.find({a, b}); known != refused_.end() && known->second.sizes == sizes)
      return false;
    if (const std::string reason = why_not(a, b); !reason.empty()) {
      refused_[{a, b}] = {sizes, reason == kOneAfterTheOther || reason == kTilesOfRows};
      return false;
    }
    for (Value v : members(a))
      group_[v] = b;
    std::vector<Value> &into = members_[static_cast<size_t>(b)], &from = members_[static_cast<size_t>(a)];
    into.insert(into.end(), from.begin(), from.end());
    std::sort(into.begin(), into.end());
    from.clear();
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
      if (group_[v] < 0 || live_out_[v] || users_[v].empty())
        continue;
      int consumer = group_[users_[v][0]];
      bool sole = std::all_of(users_[v].begin(), users_[v].end(), [&](Value u) { return group_[u] == consumer; });
      if (sole)
        merges += try_merge(v, users_[v][0]);
    }
    return merges;
  }

  // What is left: the value is stored anyway, but a kernel that joins its producer need not read it back.
  size_t merge_neighbours() {
    size_t merges = 0;
    for (Value v = 0; v < graph_.size(); ++v)
      if (group_[v] >= 0)
        for (Value input : graph_[v].inputs)
          if (scalars_ || graph_.type(input).elements() > 1)
            merges += try_merge(input, v);
    return merges;
  }

  // Kernels with an operand in common, where one loop nest serves both: the operand is read once.
  void merge_siblings() {
    for (Value v = 0; v < graph_.size(); ++v)
      if (graph_.type(v).elements() > 1)
        for (size_t b = 1; b < users_[v].size(); ++b)
          for (size_t a = 0; a < b; ++a)
            try_merge(users_[v][a], users_[v][b]);
  }

  void rebuild();

  Graph &graph_;
  bool siblings_ = false;  // whether kernels merge only into one loop nest
  bool scalars_ = false;   // whether neighbours may merge because of a scalar
  bool row_tiles_ = false; // whether contractions may hand over tiles of rows
  std::vector<int> group_;
  std::vector<std::vector<Value>> users_;
  std::vector<bool> live_out_;
  std::vector<std::vector<Value>> members_; // of each group
  std::multimap<Value, Value> states_;      // from a value to the state it is written to
  std::vector<std::vector<Value>> after_;   // of each node: what must run later, though it reads nothing of it
  struct Refusal {
    std::pair<size_t, size_t> sizes; // of the groups
    bool of_phase;
  };
  std::map<std::pair<int, int>, Refusal> refused_; // groups that stay apart at these sizes
};

// Emits declarations, constants and then units (kernels and views) in an order that data and hazards allow.
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
    if (!rewriter.has(v) && group_[v] != kFree && !listed[unit(v)]) {
      listed[unit(v)] = true;
      place[unit(v)] = units.size();
      units.push_back(unit(v));
    }
  for (Value u : units)
    for (Value next : successors(u))
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
    for (Value v : with_free(nodes_of(u))) {
      Value copy = rewriter.copy(v);
      rewriter.to()[copy].kernel = computes(u) ? kernel : kNoKernel;
    }
    kernel += computes(u);
    for (Value next : successors(u))
      if (--waits_for[next] == 0)
        ready.insert(place[next]);
  }
  internal_check(done == units.size(), "fuse: kernels depend on each other in a circle");
  graph_ = rewriter.finish();
}

} // namespace

bool fuse(Graph &graph) {
  if (graph.kernel_count() > 0)
    return false;
  legalize_outputs(graph);
  dce(graph); // a kernel without results has no meaning
  Fuser(graph).run();
  return true;
}

std::vector<Apart> kernels_apart(const Graph &fused) {
  Graph graph = fused;
  return Fuser(graph).apart();
}

} // namespace gradc
