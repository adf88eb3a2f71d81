// Hash-consing in one walk: operands are made canonical before the node that reads them is looked up.
#include "passes/cse.h"

#include <bit>
#include <unordered_set>

namespace gradc {
namespace {

// Numbers compare by bits: 0 and -0 are different constants, and a NaN is equal to itself.
bool same(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }
bool same(const std::vector<double> &a, const std::vector<double> &b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) { return same(x, y); });
}
template <typename T> bool same(const T &a, const T &b) { return a == b; }
bool same(const AttrValue &a, const AttrValue &b) {
  return a.index() == b.index() &&
         std::visit([&](const auto &x) { return same(x, std::get<std::decay_t<decltype(x)>>(b)); }, a);
}
bool same(const Attrs &a, const Attrs &b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto &x, const auto &y) { return x.first == y.first && same(x.second, y.second); });
}

size_t mix(size_t seed, size_t value) { return (seed ^ value) * 0x9e3779b97f4a7c15u + (seed >> 29); }
size_t hash(double x) { return std::hash<uint64_t>()(std::bit_cast<uint64_t>(x)); }
template <typename T> size_t hash(const T &x) { return std::hash<T>()(x); }
template <typename T> size_t hash(const std::vector<T> &list) {
  size_t h = list.size();
  for (const T &x : list)
    h = mix(h, hash(x));
  return h;
}

struct NodeHash {
  const Graph &graph;
  size_t operator()(Value v) const {
    const Node &node = graph[v];
    size_t h = mix(hash(node.op), hash(node.inputs));
    h = mix(h, hash(node.type.shape));
    for (const auto &[name, value] : node.attrs)
      h = mix(h, std::visit([](const auto &x) { return hash(x); }, value));
    return h;
  }
};

struct NodeEqual {
  const Graph &graph;
  bool operator()(Value v, Value w) const {
    const Node &a = graph[v], &b = graph[w];
    return a.op == b.op && a.inputs == b.inputs && a.type == b.type && a.kernel == b.kernel && same(a.attrs, b.attrs);
  }
};

} // namespace

bool cse(Graph &graph) {
  std::unordered_set<Value, NodeHash, NodeEqual> seen(2 * graph.size() + 1, NodeHash{graph}, NodeEqual{graph});
  std::vector<Value> first(graph.size()); // of the nodes equal to this one
  bool changed = false;
  const auto redirect = [&](Value &use) {
    changed |= use != first[use];
    use = first[use];
  };
  for (Value v = 0; v < graph.size(); ++v) {
    for (Value &input : graph[v].inputs)
      redirect(input);
    first[v] = graph[v].is_declaration() ? v : *seen.insert(v).first;
  }
  for (Return &r : graph.returns)
    redirect(r.value);
  for (Update &u : graph.updates)
    redirect(u.value);
  for (GradientOf &g : graph.gradients)
    g.value = first[g.value];
  if (changed)
    graph.plan.reset();
  return changed;
}

} // namespace gradc
