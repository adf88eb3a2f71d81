// Sweeps over the graph, trying every identity on every node, until a sweep changes nothing. Ends because every
// identity leaves fewer nodes, cheaper ones, or the same ones in a settled order.
#include "passes/simplify.h"

#include "passes/match.h"

#include <cmath>

namespace gradc {

std::optional<Number> splat_value(const Node &node) {
  if (!is_constant(node) || !node.attrs.contains("value"))
    return std::nullopt;
  return number_attr(node.attrs, "value");
}

bool Match::made_by(size_t n, std::string_view op) const {
  return !maker(n).is_declaration() && maker(n).op->name == op;
}

bool Match::is(size_t n, double number) const {
  const auto value = splat(n);
  if (!value)
    return false;
  if (const int64_t *integer = std::get_if<int64_t>(&*value))
    return *integer == static_cast<int64_t>(number);
  const double x = std::get<double>(*value);
  return x == number && std::signbit(x) == std::signbit(number);
}

namespace {

std::optional<Value> apply(std::span<const Identity> identities, const Match &match) {
  for (const Identity &identity : identities)
    if (identity.op.empty() || identity.op == match.node.op->name)
      if (const auto value = identity.apply(match)) {
        internal_check(match.graph.type(*value) == match.node.type,
                       "the identity '" + std::string(identity.formula) + "' changes " +
                           to_string(match.node.type) + " to " + to_string(match.graph.type(*value)));
        return value;
      }
  return std::nullopt;
}

bool sweep(Graph &graph) {
  const std::vector<std::vector<Value>> users = graph.users();
  const std::vector<bool> live_out = graph.live_out();
  Rewriter rewriter(graph);
  std::vector<bool> shared; // by value of the new graph
  bool changed = false;
  for (Value v = 0; v < graph.size(); ++v) {
    Node node = graph[v];
    for (Value &input : node.inputs)
      input = rewriter.map(input);
    const Match match(rewriter.to(), node, shared);
    std::optional<Value> better;
    if (!node.is_declaration() && node.kernel == kNoKernel) {
      better = apply(arithmetic_identities(), match);
      if (!better)
        better = apply(shape_identities(), match);
    }
    if (better)
      rewriter.replace(v, *better);
    else
      rewriter.copy(v);
    changed |= better.has_value();
    shared.resize(rewriter.to().size(), false);
    if (live_out[v] || users[v].size() > 1)
      shared[rewriter.map(v)] = true;
  }
  if (changed)
    graph = rewriter.finish();
  return changed;
}

} // namespace

bool simplify(Graph &graph) {
  bool changed = false;
  while (sweep(graph))
    changed = true;
  return changed;
}

} // namespace gradc
