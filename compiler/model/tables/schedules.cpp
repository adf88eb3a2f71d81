// The schedules: each a factor on the initial rate as a function of t, the number of updates since the
// warm-up ended.
#include "compiler/model/tables/schedules.h"

#include "ir/error.h"

#include <numbers>

namespace gradc {
namespace {

struct ScheduleDef {
  ObjectSpec spec;
  /// `t` and `total` (steps after the warm-up; at most 0: unknown) are f64[].
  Var (*factor)(const JsonValue &attrs, Var t, Var total);
};

Var step_factor(const JsonValue &a, Var t, Var) {
  return pow(a.number_at("factor"), floor(t / a.number_at("every")));
}

Var exponential_factor(const JsonValue &a, Var t, Var) {
  return pow(a.number_at("decay_rate"), t / a.number_at("decay_steps"));
}

Var inverse_time_factor(const JsonValue &a, Var t, Var) {
  return 1 / (1 + a.number_at("decay_rate") * (t / a.number_at("decay_steps")));
}

Var cosine_factor(const JsonValue &a, Var t, Var total) {
  const JsonValue *given = a.find("decay_steps");
  const Var length = given ? number_like(t, given->number) : total;
  const Var one = number_like(t, 1);
  // In a run of unknown length the rate stays where it begins.
  const Var progress = select(greater(length, 0), minimum(t / maximum(length, one), one), 0);
  const double last = a.number_at("final_factor");
  return last + (1 - last) * 0.5 * (1 + cos(std::numbers::pi * progress));
}

const std::vector<ScheduleDef> &table() {
  using attr::integer, attr::number;
  static const std::vector<ScheduleDef> defs = {
      {{"constant", "initial", {}}, [](const JsonValue &, Var t, Var) { return number_like(t, 1); }},
      {{"step",
        "initial * factor^floor(t / every)",
        {integer("every", "steps between two drops").at_least(1),
         number("factor", "of one drop").above(0).used_in_f64().defaults_to("0.1")}},
       step_factor},
      {{"exponential",
        "initial * decay_rate^(t / decay_steps)",
        {number("decay_rate", "factor over decay_steps").above(0).used_in_f64(),
         integer("decay_steps", "steps").at_least(1).defaults_to("1")}},
       exponential_factor},
      {{"inverse_time",
        "initial / (1 + decay_rate * t / decay_steps)",
        {number("decay_rate", "how fast").at_least(0).used_in_f64(),
         integer("decay_steps", "steps").at_least(1).defaults_to("1")}},
       inverse_time_factor},
      {{"cosine",
        "initial * (f + (1 - f) * (1 + cos(pi * min(t / decay_steps, 1))) / 2) with f = final_factor",
        {integer("decay_steps", "steps").at_least(1).otherwise("the rest of the run"),
         number("final_factor", "of the rate at the end").at_least(0).at_most(1).used_in_f64().defaults_to("0")}},
       cosine_factor},
  };
  return defs;
}

} // namespace

const Family &schedules() {
  static const Family family = [] {
    Family f{"schedule", "The learning rate over the steps of a run; t counts from the end of the warm-up."};
    f.common = {attr::number("initial", "the rate after the warm-up").at_least(0),
                attr::integer("warmup_steps", "steps in which the rate first rises linearly to initial")
                    .at_least(0)
                    .defaults_to("0")};
    f.default_type = f.number_type = "constant", f.number_key = "initial";
    for (const ScheduleDef &def : table())
      f.types.push_back(&def.spec);
    return f;
  }();
  return family;
}

const Attr &initial_rate() { return schedules().common[0]; }

bool is_constant(const JsonValue &schedule) {
  return schedule.string_at("type") == table()[0].spec.name && schedule.number_at("warmup_steps") == 0;
}

Var learning_rate(const JsonValue &schedule, Var initial, Var step, Var total_steps) {
  const ScheduleDef *def = nullptr;
  for (const ScheduleDef &candidate : table())
    if (candidate.spec.name == schedule.string_at("type"))
      def = &candidate;
  internal_check(def != nullptr, "no such schedule");
  const double warmup = schedule.number_at("warmup_steps");
  const Var now = cast(step, DType::f64);
  if (warmup == 0)
    return initial * def->factor(schedule, now, cast(total_steps, DType::f64));
  const Var t = maximum(now - warmup, number_like(now, 0)); // unused values must be finite too
  const Var factor = def->factor(schedule, t, cast(total_steps, DType::f64) - warmup);
  return initial * select(less(now, number_like(now, warmup)), (now + 1) / warmup, factor);
}

} // namespace gradc
