// Schedules: of the learning rate, and of every other number that is a run-time argument.
#pragma once

#include "compiler/model/tables/attributes.h"
#include "ir/formula.h"

#include <optional>

namespace gradc {

const Family &schedules();
/// What the initial learning rate may be.
const Attr &initial_rate();
/// A number that is a run-time argument: in the place of it a schedule may stand, whose initial value has the limits of the
/// number.
Attr scheduled(Attr number);
/// The limits of the initial value of such an attribute, or of the learning rate.
const Attr &initial_limits(const Attr &);

/// The number, or the initial one of the schedule, that stands in the place of a run-time argument.
double initial_of(const JsonValue &);
/// Whether what stands there is the initial value in every step.
bool is_constant(const JsonValue &);
/// What is wrong with a schedule whose values are right each alone.
std::optional<Mistake> mistake_in(const JsonValue &schedule);
/// The value (f64[]) at `step` (i64[], 0-based) of a run of `total_steps` (i64[], 0: unknown). Linear
/// in `initial` (f64[]), which therefore can change at run time.
Var scheduled_value(const JsonValue &schedule, Var initial, Var step, Var total_steps);

} // namespace gradc
