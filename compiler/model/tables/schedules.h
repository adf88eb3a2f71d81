// Learning-rate schedules.
#pragma once

#include "compiler/model/tables/attributes.h"
#include "ir/formula.h"

namespace gradc {

const Family &schedules();
/// What the initial rate of a schedule may be.
const Attr &initial_rate();

/// Whether the rate is the initial one in every step.
bool is_constant(const JsonValue &schedule);
/// The learning rate (f64[]) of `step` (i64[], 0-based) of a run of `total_steps` (i64[], 0: unknown). Linear
/// in `initial` (f64[]), which therefore can change at run time.
Var learning_rate(const JsonValue &schedule, Var initial, Var step, Var total_steps);

} // namespace gradc
