// Averages of the parameters over the updates of a training.
#pragma once

#include "compiler/model/tables/attributes.h"
#include "ir/formula.h"

namespace gradc {

const Family &averages();

/// The share of the new parameters in the average after update number `count` (f64[], from 1), f64[]:
/// average += share * (parameters - average). It is 1 where the average begins, so its initial value does not count.
Var share_of_new(const JsonValue &average, Var count);

} // namespace gradc
