// The nodes of a graph as units that run as one, while fusion merges them.
#pragma once

#include "ir/graph.h"

namespace gradc {

/// A unit is a group of nodes that will be one kernel, named by one of its values, or a lone view. Units are kept in an order
/// that data and the overwriting of states allow, so that whether two may merge is answered by looking at what lies
/// between them in that order, not at the whole graph (after Pearce and Kelly, ACM JEA 11, 2006).
class Units {
public:
  static constexpr int kNone = -1; // the group of declarations, constants and views
  static constexpr int kFree = -2; // the group of cheap nodes that each kernel computes for itself

  /// Every node its own group, but for the kernels of a graph that is fused already. InternalFault when no order is allowed.
  explicit Units(const Graph &);

  int group(Value v) const { return group_[v]; }
  const std::vector<Value> &members(int group) const { return members_[static_cast<size_t>(group)]; }
  /// How many nodes of a group are returned or written to a state.
  size_t results(int group) const { return results_[static_cast<size_t>(group)]; }
  const std::vector<Value> &users(Value v) const { return users_[v]; }
  bool live_out(Value v) const { return live_out_[v]; }

  Value unit(Value v) const { return group_[v] >= 0 ? static_cast<Value>(group_[v]) : v; }
  bool computes(Value unit) const { return group_[unit] >= 0; }
  /// The nodes of a unit with the free nodes they use, ascending.
  std::vector<Value> nodes_of(Value unit) const;
  /// The units that must run after one, through data or states; a unit may come several times.
  std::vector<Value> successors(Value unit) const;

  /// Two groups as one: what it computes, with the free nodes it uses, and what of it is needed outside; both ascending.
  struct Region {
    std::vector<Value> nodes, outputs;
  };
  Region merged(int a, int b) const;
  /// Whether something outside both must run after one of them and before the other.
  bool makes_cycle(int a, int b) const;
  /// Makes the nodes of `a` part of `b`. Only where that makes no cycle.
  void merge(int a, int b);

private:
  using Lists = std::vector<std::vector<Value>>;
  void classify();
  bool is_free(const Node &, Value) const;
  void sort();
  void mark(Value unit) const { seen_[unit] = query_; }
  bool marked(Value unit) const { return seen_[unit] == query_; }
  template <typename Use> void each_neighbour(Value unit, const Lists &data, const Lists &states, Use) const;
  std::vector<Value> with_free(const std::vector<Value> &) const;
  template <typename Between>
  bool search(Value from, Value to, const Lists &data, const Lists &states, Between, std::vector<Value> &reached) const;
  bool reaches_through_others(Value first, Value last, std::vector<Value> &reached) const;
  void grow_tree();
  bool below(Value v, Value ancestor) const { return entered_[ancestor] <= entered_[v] && entered_[v] < left_[ancestor]; }
  bool tree_shows_path(int a, int b) const;

  const Graph &graph_;
  std::vector<int> group_;
  Lists users_, inputs_;    // of each node
  Lists after_, before_;    // what must run later or earlier, though it reads nothing: a state is overwritten
  Lists members_;           // of each group
  std::vector<size_t> results_;
  std::vector<bool> live_out_;
  std::vector<size_t> position_; // of each unit, in an order that all dependences respect; with gaps where units merged
  // A tree in which the parent of a node is the last of its operands: paths in it are paths in the graph, and whether there is
  // one is known at once. In a training graph it goes through all layers, forwards and back.
  std::vector<Value> parent_;           // or kNoParent
  std::vector<size_t> entered_, left_;  // when a walk through the tree enters a node, and leaves what lies below it
  mutable std::vector<uint64_t> seen_; // by unit or node: in which query
  mutable uint64_t query_ = 0;
};

} // namespace gradc
