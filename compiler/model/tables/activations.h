// Activation functions.
#pragma once

#include "compiler/model/tables/attributes.h"
#include "ir/formula.h"

namespace gradc {

const Family &activations();

/// The activation applied to x, of the same shape, in a form that neither overflows nor cancels.
Var activate(const JsonValue &activation, Var x);
/// Does it pass only (or mostly) positive values, so that he_uniform keeps the variance of what flows
/// through?
bool is_rectifier(const JsonValue &activation);

/// exp(x) / sum(exp(x)) over the last axis.
Var softmax(Var x);
/// log(1 + exp(x)); its gradient is sigmoid(x) everywhere, 1/2 at 0.
Var softplus(Var x);

} // namespace gradc
