#include "passes/units.h"

#include "ir/error.h"
#include "ir/op.h"
#include "passes/storage.h"

#include <algorithm>
#include <map>

namespace gradc {

Units::Units(const Graph &graph) : graph_(graph), users_(graph.users()), live_out_(graph.live_out()) {
  for (Lists *lists : {&inputs_, &after_, &before_})
    lists->resize(graph.size());
  for (Value v = 0; v < graph.size(); ++v)
    for (Value user : users_[v])
      inputs_[user].push_back(v);
  for (const Hazard &h : state_hazards(graph, becomes_view)) {
    after_[h.before].push_back(h.after);
    before_[h.after].push_back(h.before);
  }
  seen_.assign(graph.size(), 0);
  classify();
  sort();
  grow_tree();
}

bool Units::is_free(const Node &node, Value v) const {
  if (live_out_[v] || node.op->expensive)
    return false;
  const bool scalar_inputs = std::all_of(node.inputs.begin(), node.inputs.end(), [&](Value input) {
    const Node &in = graph_[input];
    return group_[input] == kFree || in.role == Role::scalar || is_constant(in);
  });
  const bool cheap = node.op->kind == OpKind::source || node.op->kind == OpKind::movement ||
                     (node.op->kind == OpKind::elementwise && node.type.elements() == 1);
  return cheap && scalar_inputs;
}

void Units::classify() {
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
  results_.resize(graph_.size(), 0);
  for (Value v = 0; v < graph_.size(); ++v)
    if (group_[v] >= 0) {
      members_[static_cast<size_t>(group_[v])].push_back(v);
      results_[static_cast<size_t>(group_[v])] += live_out_[v];
    }
}

// Units that depend on each other lie close to each other, so that merging moves few: what nobody reads comes as soon as
// its operands allow, all else as late as its readers allow. Both are counted in units on the longest path.
void Units::sort() {
  std::vector<Value> order;
  std::vector<size_t> waits_for(graph_.size(), 0), level(graph_.size(), 0);
  size_t units = 0;
  for (Value v = 0; v < graph_.size(); ++v)
    if (group_[v] != kFree && unit(v) == v) {
      ++units;
      each_neighbour(v, users_, after_, [&](Value next) { ++waits_for[next]; });
    }
  for (Value v = 0; v < graph_.size(); ++v)
    if (group_[v] != kFree && unit(v) == v && waits_for[v] == 0)
      order.push_back(v);
  for (size_t i = 0; i < order.size(); ++i) // breadth first
    each_neighbour(order[i], users_, after_, [&](Value next) {
      level[next] = std::max(level[next], level[order[i]] + 1);
      if (--waits_for[next] == 0)
        order.push_back(next);
    });
  internal_check(order.size() == units, "fuse: kernels depend on each other in a circle");
  for (size_t i = order.size(); i-- > 0;) {
    size_t next_level = graph_.size() + 1;
    each_neighbour(order[i], users_, after_, [&](Value next) { next_level = std::min(next_level, level[next]); });
    if (next_level <= graph_.size())
      level[order[i]] = next_level - 1;
  }
  std::stable_sort(order.begin(), order.end(), [&](Value a, Value b) { return level[a] < level[b]; });
  position_.assign(graph_.size(), 0);
  for (size_t i = 0; i < order.size(); ++i)
    position_[order[i]] = i;
}

template <typename Use> void Units::each_neighbour(Value from, const Lists &data, const Lists &states, Use use) const {
  auto at = [&](Value v) {
    for (const Lists *lists : {&data, &states})
      for (Value other : (*lists)[v])
        if (group_[other] != kFree && unit(other) != from)
          use(unit(other));
  };
  if (!computes(from))
    at(from);
  else
    for (Value v : members(static_cast<int>(from)))
      at(v);
}

std::vector<Value> Units::successors(Value unit) const {
  std::vector<Value> found;
  each_neighbour(unit, users_, after_, [&](Value other) { found.push_back(other); });
  return found;
}

std::vector<Value> Units::with_free(const std::vector<Value> &nodes) const {
  std::vector<Value> all(nodes);
  ++query_;
  for (size_t i = 0; i < all.size(); ++i)
    for (Value input : graph_[all[i]].inputs)
      if (group_[input] == kFree && !marked(input)) {
        mark(input);
        all.push_back(input);
      }
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<Value> Units::nodes_of(Value unit) const {
  return computes(unit) ? with_free(members(static_cast<int>(unit))) : std::vector{unit};
}

Units::Region Units::merged(int a, int b) const {
  std::vector<Value> nodes;
  std::merge(members(a).begin(), members(a).end(), members(b).begin(), members(b).end(), std::back_inserter(nodes));
  Region region;
  for (Value v : nodes)
    if (live_out_[v] || std::any_of(users_[v].begin(), users_[v].end(), [&](Value u) { return group_[u] != a && group_[u] != b; }))
      region.outputs.push_back(v);
  region.nodes = with_free(nodes);
  return region;
}

// Follows the units between two others, from `from`; whether the other is met. Those on the way go to `reached`.
template <typename Between>
bool Units::search(Value from, Value to, const Lists &data, const Lists &states, Between between,
                   std::vector<Value> &reached) const {
  ++query_;
  bool met = false;
  auto visit = [&](Value at) {
    each_neighbour(at, data, states, [&](Value other) {
      met |= other == to && at != from;
      if (!marked(other) && between(other)) {
        mark(other);
        reached.push_back(other);
      }
    });
  };
  visit(from);
  for (size_t i = 0; i < reached.size() && !met; ++i)
    visit(reached[i]);
  return met;
}

// `first` comes before `last` in the order, so a path from one to the other stays between them.
bool Units::reaches_through_others(Value first, Value last, std::vector<Value> &reached) const {
  return search(first, last, users_, after_, [&](Value u) { return position_[u] < position_[last]; }, reached);
}

void Units::grow_tree() {
  constexpr Value kNoParent = ~Value{0};
  parent_.assign(graph_.size(), kNoParent);
  std::vector<size_t> nodes(graph_.size(), 1); // in the tree below a node, with it
  for (Value v = static_cast<Value>(graph_.size()); v-- > 0;) {
    for (Value input : inputs_[v])
      if (group_[input] >= 0 || becomes_view(graph_, input))
        parent_[v] = input; // operands ascend
    if (parent_[v] != kNoParent)
      nodes[parent_[v]] += nodes[v];
  }
  entered_.resize(graph_.size());
  left_.resize(graph_.size());
  std::vector<size_t> next(graph_.size()); // when the next child is entered
  size_t end = 0;
  for (Value v = 0; v < graph_.size(); ++v) {
    size_t &enter = parent_[v] == kNoParent ? end : next[parent_[v]];
    entered_[v] = enter;
    left_[v] = enter += nodes[v];
    next[v] = entered_[v] + 1;
  }
}

// Whether the tree has a path from a node of `a` to one of `b` that comes to the latter from elsewhere.
bool Units::tree_shows_path(int a, int b) const {
  for (Value v : members(b)) {
    const Value above = parent_[v];
    if (above < graph_.size() && group_[above] != a && group_[above] != b &&
        std::any_of(members(a).begin(), members(a).end(), [&](Value u) { return below(above, u); }))
      return true;
  }
  return false;
}

bool Units::makes_cycle(int a, int b) const {
  Value first = static_cast<Value>(a), last = static_cast<Value>(b);
  if (position_[first] > position_[last])
    std::swap(first, last);
  if (tree_shows_path(static_cast<int>(first), static_cast<int>(last)))
    return true;
  std::vector<Value> reached;
  return reaches_through_others(first, last, reached);
}

// The merged unit comes after all between the two that must run before the later one, and before all that must run after the
// earlier one. These exchange places among themselves; all others stay where they are.
void Units::merge(int a, int b) {
  Value first = static_cast<Value>(a), last = static_cast<Value>(b);
  if (position_[first] > position_[last])
    std::swap(first, last);
  std::vector<Value> later, earlier;
  internal_check(!reaches_through_others(first, last, later), "fuse: a merge makes a cycle");
  search(last, first, inputs_, before_, [&](Value u) { return position_[u] > position_[first]; }, earlier);
  auto by_position = [&](Value x, Value y) { return position_[x] < position_[y]; };
  std::sort(later.begin(), later.end(), by_position);
  std::sort(earlier.begin(), earlier.end(), by_position);
  std::vector<Value> order = earlier;
  order.push_back(static_cast<Value>(b));
  order.insert(order.end(), later.begin(), later.end());
  std::vector<size_t> places{position_[first]};
  for (Value u : order)
    places.push_back(u == static_cast<Value>(b) ? position_[last] : position_[u]);
  std::sort(places.begin(), places.end());
  for (size_t i = 0; i < order.size(); ++i)
    position_[order[i]] = places[i];

  std::vector<Value> &into = members_[static_cast<size_t>(b)], &from = members_[static_cast<size_t>(a)];
  for (Value v : from)
    group_[v] = b;
  const auto middle = static_cast<std::ptrdiff_t>(into.size());
  into.insert(into.end(), from.begin(), from.end());
  std::inplace_merge(into.begin(), into.begin() + middle, into.end());
  results_[static_cast<size_t>(b)] += results(a);
  from.clear();
}

} // namespace gradc
