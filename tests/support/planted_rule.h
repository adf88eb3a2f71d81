// Ops whose gradient rule is wrong, made from those of the table.
#pragma once

#include "ir/op.h"

namespace gradc::tests {

/// `op`, but 1.01 times the gradient of an operand is taken for it: of operand `wrong`, or of all for -1. There is one such op
/// at a time: the next call changes the rules of those before.
OpDef with_wrong_rule(const OpDef &op, int wrong);

/// How many wrong gradients the rule has given since with_wrong_rule.
int wrong_gradients();

/// The gradients as `differentiate` makes them while `nodes` are of the op `planted` instead of their own.
std::vector<Value> wrongly_differentiated(Graph &, Value loss, const std::vector<Value> &wrt, const std::vector<Value> &nodes,
                                          const OpDef &planted);

} // namespace gradc::tests
