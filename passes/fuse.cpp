#include "passes/fuse.h"

#include "ir/error.h"
#include "ir/lower.h"
#include "ir/op.h"
#include "passes/dce.h"
#include "passes/fusion_rules.h"
#include "passes/storage.h"

#include <algorithm>
#include <map>
#include <set>

namespace gradc {
namespace {

bool same_but_for_unit_dims(const Shape &a, const Shape &b) {
  Shape x = a, y = b;
  std::erase(x, 1);
  std::erase(y, 1);
  return x == y;
}

// A reshape that moves no element to another linear position costs nothing as a view; one that only adds or drops unit dims
// composes with its neighbours instead.
bool becomes_view(const Graph &graph, Value v) {
  const Node &node = graph[v];
  return node.op && node.op->name == "reshape" &&
         !same_but_for_unit_dims(node.type.shape, graph.type(node.inputs[0]).shape);
}

std::vector<Hazard> future_hazards(const Graph &graph) {
  return state_hazards(graph, [&](Value v) { return becomes_view(graph, v); });
}

bool reaches(const Graph &graph, Value from, Value to) {
  std::vector<bool> hit(graph.size(), false);
  hit[from] = true;
  for (Value v = from; v <= to; ++v)
    for (Value input : graph[v].inputs)
      if (hit[input])
        hit[v] = true;
  return hit[to];
}

// Gives every returned or updated value a node that writes only it, and keeps states readable until they are overwritten.
class OutputLegalizer {
public:
  explicit OutputLegalizer(Graph &graph) : graph_(graph) {}

  void run() {
    for (Return &r : graph_.returns)
      r.value = own(r.value);
    for (Update &u : graph_.updates) {
      if (graph_[u.value].is_declaration() && graph_[u.value].role != Role::input && u.value != u.target)
        u.value = copy(u.value); // another state's old value: read it before either is overwritten
      u.value = own(u.value);
      if (overwrites_early(u))
        u.value = copy(u.value);
    }
  }

private:
  Value copy(Value v) {
    Type type = graph_.type(v);
    Value c = graph_.add("reshape", {v}, {}, graph_[v].location, type);
    taken_.insert(c);
    return c;
  }
  Value own(Value v) {
    const Node &node = graph_[v];
    if (node.is_declaration() || node.op->name == "constant" || becomes_view(graph_, v) || taken_.contains(v))
      return copy(v);
    taken_.insert(v);
    return v;
  }
  bool overwrites_early(const Update &u) {
    for (const Hazard &h : future_hazards(graph_))
      if (h.after == u.value && reaches(graph_, u.value, h.before))
        return true;
    const Node &node = graph_[u.value];
    bool reads = std::find(node.inputs.begin(), node.inputs.end(), u.target) != node.inputs.end();
    return reads && (node.op->kind != OpKind::elementwise || node.type != graph_.type(u.target));
  }

  Graph &graph_;
  std::set<Value> taken_;
};

class Fuser {
public:
  Fuser(Graph &graph, const FusionListener &listener) : graph_(graph), listener_(listener) {}

  void run() {
    users_ = graph_.users();
    live_out_ = graph_.live_out();
    hazards_ = future_hazards(graph_);
    classify();
    merge_into_sole_consumer();
    merge_neighbours();
    rebuild();
  }

private:
  static constexpr int kNone = -1, kFree = -2;

  bool is_free(const Node &node, Value v) const {
    if (live_out_[v] || node.op->expensive)
      return false;
    bool scalar_inputs = std::all_of(node.inputs.begin(), node.inputs.end(), [&](Value input) {
      const Node &in = graph_[input];
      return group_[input] == kFree || in.role == Role::scalar || (in.op && in.op->name == "constant");
    });
    bool cheap = node.op->kind == OpKind::source || node.op->kind == OpKind::movement ||
                 (node.op->kind == OpKind::elementwise && node.type.elements() == 1);
    return cheap && scalar_inputs;
  }

  void classify() {
    group_.assign(graph_.size(), kNone);
    for (Value v = 0; v < graph_.size(); ++v) {
      const Node &node = graph_[v];
      if (node.is_declaration() || node.op->name == "constant")
        continue;
      if (is_free(node, v))
        group_[v] = kFree;
      else if (!becomes_view(graph_, v))
        group_[v] = static_cast<int>(v); // each its own at first
    }
  }

  std::vector<Value> members(int group) const {
    std::vector<Value> nodes;
    for (Value v = 0; v < graph_.size(); ++v)
      if (group_[v] == group)
        nodes.push_back(v);
    return nodes;
  }

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

  // Groups (or lone views) that must run after a given one, through data or hazards.
  int unit(Value v) const { return group_[v] >= 0 ? group_[v] : -10 - static_cast<int>(v); }

  bool makes_cycle(int a, int b) const {
    std::map<int, std::set<int>> after;
    auto edge = [&](Value from, Value to) {
      int x = unit(from), y = unit(to);
      x = x == b ? a : x;
      y = y == b ? a : y;
      if (x != y && group_[from] != kFree && !graph_[from].is_declaration())
        after[x].insert(y);
    };
    for (Value v = 0; v < graph_.size(); ++v)
      if (group_[v] != kFree)
        for (Value input : graph_[v].inputs)
          edge(input, v);
    for (const Hazard &h : hazards_) {
      if (group_[h.before] != kFree)
        edge(h.before, h.after);
    }
    std::set<int> seen;
    std::vector<int> work(after[a].begin(), after[a].end());
    while (!work.empty()) {
      int g = work.back();
      work.pop_back();
      if (g == a)
        return true;
      if (seen.insert(g).second)
        work.insert(work.end(), after[g].begin(), after[g].end());
    }
    return false;
  }

  // A state overwritten in place may be read in the same kernel only where it is written.
  bool breaks_update(const LoweredKernel &lowered) const {
    for (const Update &update : graph_.updates) {
      auto written = std::find(lowered.values.begin(), lowered.values.end(), update.value);
      if (written == lowered.values.end())
        continue;
      int write = static_cast<int>(written - lowered.values.begin());
      for (size_t i = 0; i < lowered.values.size(); ++i)
        if (storage_root_of(lowered.values[i]) == update.target &&
            !reads_only_where_it_writes(lowered.kernel, static_cast<int>(i), write))
          return true;
    }
    return false;
  }
  Value storage_root_of(Value v) const {
    while (graph_[v].op && graph_[v].op->name == "reshape" && group_[v] == kNone)
      v = graph_[v].inputs[0];
    return v;
  }

  std::string why_not(int a, int b) const {
    std::vector<Value> nodes = members(a), more = members(b);
    nodes.insert(nodes.end(), more.begin(), more.end());
    std::sort(nodes.begin(), nodes.end());
    try {
      LoweredKernel lowered = lower_region(graph_, with_free(nodes), outputs(nodes));
      if (std::string reason = why_not_one_kernel(lowered.kernel); !reason.empty())
        return reason;
      if (breaks_update(lowered))
        return "a parameter would be overwritten before its last read";
    } catch (const Unfusable &reason) {
      return reason.what();
    }
    return makes_cycle(a, b) ? "each needs the other to run first" : "";
  }

  bool try_merge(Value producer, Value consumer) {
    int a = group_[producer], b = group_[consumer];
    if (a < 0 || b < 0 || a == b)
      return false;
    auto [known, fresh] = refused_.try_emplace({a, b}); // until one of the two grows
    std::string reason = fresh ? why_not(a, b) : known->second;
    if (!reason.empty()) {
      known->second = reason;
      if (listener_ && fresh)
        listener_(producer, consumer, reason);
      return false;
    }
    for (int &g : group_)
      if (g == a)
        g = b;
    std::erase_if(refused_, [&](const auto &pair) { return pair.first.first == b || pair.first.second == b; });
    return true;
  }

  // A value with one consuming kernel vanishes from memory when it moves there. Consumers first, so chains collapse.
  void merge_into_sole_consumer() {
    for (Value v = static_cast<Value>(graph_.size()); v-- > 0;) {
      if (group_[v] < 0 || live_out_[v] || users_[v].empty())
        continue;
      int consumer = group_[users_[v][0]];
      bool sole = std::all_of(users_[v].begin(), users_[v].end(), [&](Value u) { return group_[u] == consumer; });
      if (sole)
        try_merge(v, users_[v][0]);
    }
  }

  // What is left: the value is stored anyway, but a kernel that joins its producer need not read it back.
  void merge_neighbours() {
    for (Value v = 0; v < graph_.size(); ++v)
      if (group_[v] >= 0)
        for (Value input : graph_[v].inputs)
          try_merge(input, v);
  }

  void rebuild();

  Graph &graph_;
  const FusionListener &listener_;
  std::vector<int> group_;
  std::vector<std::vector<Value>> users_;
  std::vector<bool> live_out_;
  std::vector<Hazard> hazards_;
  std::map<std::pair<int, int>, std::string> refused_; // pairs of groups and why they stay apart
};

// Emits declarations, constants and then units (kernels and views) in an order that data and hazards allow.
void Fuser::rebuild() {
  Rewriter rewriter(graph_);
  for (Value v = 0; v < graph_.size(); ++v)
    if (graph_[v].is_declaration() || graph_[v].op->name == "constant")
      rewriter.copy(v);
  std::map<int, std::set<int>> needs;
  std::map<int, std::vector<Value>> nodes_of;
  auto need = [&](Value before, Value after) {
    if (group_[before] == kFree || rewriter.has(before) || unit(before) == unit(after))
      return;
    needs[unit(after)].insert(unit(before));
  };
  for (Value v = 0; v < graph_.size(); ++v) {
    if (rewriter.has(v) || group_[v] == kFree)
      continue;
    nodes_of[unit(v)].push_back(v);
    for (Value input : graph_[v].inputs)
      need(input, v);
  }
  for (const Hazard &h : hazards_)
    need(h.before, h.after);

  std::vector<int> order; // units by their first node
  for (Value v = 0; v < graph_.size(); ++v)
    if (auto it = nodes_of.find(unit(v)); it != nodes_of.end() && it->second[0] == v)
      order.push_back(unit(v));
  int kernel = 0;
  while (!order.empty()) {
    auto ready = std::find_if(order.begin(), order.end(), [&](int u) { return needs[u].empty(); });
    internal_check(ready != order.end(), "fuse: kernels depend on each other in a circle");
    int u = *ready;
    order.erase(ready);
    for (auto &[other, set] : needs)
      set.erase(u);
    bool computes = u >= 0;
    for (Value v : with_free(nodes_of[u])) {
      Value copy = rewriter.copy(v);
      rewriter.to()[copy].kernel = computes ? kernel : kNoKernel;
    }
    kernel += computes;
  }
  graph_ = rewriter.finish();
}

} // namespace

bool fuse(Graph &graph, const FusionListener &listener) {
  if (graph.kernel_count() > 0)
    return false;
  OutputLegalizer(graph).run();
  dce(graph); // a kernel without results has no meaning
  Fuser(graph, listener).run();
  return true;
}

bool fuse(Graph &graph) { return fuse(graph, nullptr); }

} // namespace gradc
