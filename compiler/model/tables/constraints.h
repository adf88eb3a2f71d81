// What parameters are made to keep after every update.
#pragma once

#include "compiler/model/tables/attributes.h"
#include "ir/formula.h"

namespace gradc {

const Family &constraints();

/// The parameter, of rank 1 or more, moved to where it keeps the constraint.
Var constrained(const JsonValue &constraint, Var w);

/// The norm of the part of a parameter that belongs to one unit: of a column of [inputs, units], of a vector as a whole. Broadcasts
/// against the parameter.
Var unit_norm(Var w);

} // namespace gradc
