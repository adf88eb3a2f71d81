// Where a graph decides: kinks and jumps of what it computes.
#pragma once

#include "ir/graph.h"
#include "ir/tensor.h"

#include <optional>

namespace gradc {

/// The first node that decides otherwise for the values `a` than for `b`, both one a node as interpret_all gives them: a
/// comparison or another result that is no float, a side of `maximum`, `minimum` and `abs`, an element of `max`, a value of
/// `sign` and `floor`. Nullopt when there is none: then, but for roots and powers at 0, what the graph computes is smooth
/// between the two, if they are close.
std::optional<Value> first_other_choice(const Graph &, const std::vector<Tensor> &a, const std::vector<Tensor> &b);

} // namespace gradc
