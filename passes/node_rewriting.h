// Node by node, something else in place of some.
#pragma once

#include "ir/graph.h"

#include <functional>

namespace gradc {

/// What takes the place of `node`, built at the end of `to`, where its operands are already; nullopt keeps the node.
using Replacement = std::function<std::optional<Value>(Graph &to, const Node &node)>;
/// Returns whether a node was replaced; if not, the graph is as it was.
bool rewrite_nodes(Graph &, const Replacement &);

} // namespace gradc
