// The schedules: each a factor on the initial value as a function of t, the number of updates since the
// warm-up ended.
#include "compiler/model/tables/schedules.h"

#include "ir/error.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace gradc {
namespace {

struct ScheduleDef {
  ObjectSpec spec;
  /// `t` and `total` (steps after the warm-up; at most 0: unknown) are f64[].
  Var (*factor)(const JsonValue &attrs, Var t, Var total);
  std::optional<Mistake> (*check)(const JsonValue &attrs) = nullptr;
};

Var step_factor(const JsonValue &a, Var t, Var) { return pow(a.number_at("factor"), floor(t / a.number_at("every"))); }

Var exponential_factor(const JsonValue &a, Var t, Var) {
  return pow(a.number_at("decay_rate"), t / a.number_at("decay_steps"));
}

Var inverse_time_factor(const JsonValue &a, Var t, Var) {
  return 1 / (1 + a.number_at("decay_rate") * (t / a.number_at("decay_steps")));
}

/// The steps of a schedule: "decay_steps", else the rest of the run.
Var length_of(const JsonValue &a, Var t, Var total) {
  const JsonValue *given = a.find("decay_steps");
  return given ? number_like(t, given->number) : total;
}

/// t / length, at most 1. In a run of unknown length 0: the rate stays where it begins.
Var progress(Var t, Var length) {
  const Var one = number_like(t, 1);
  return select(greater(length, 0), minimum(t / maximum(length, one), one), 0);
}

/// From `first` to `last` along half a period of the cosine.
Var half_cosine(double first, double last, Var progress) {
  return last + (first - last) * 0.5 * (1 + cos(std::numbers::pi * progress));
}

Var linear_factor(const JsonValue &a, Var t, Var total) {
  return 1 - (1 - a.number_at("final_factor")) * progress(t, length_of(a, t, total));
}

Var polynomial_factor(const JsonValue &a, Var t, Var total) {
  const double last = a.number_at("final_factor");
  const Var left = 1 - progress(t, length_of(a, t, total));
  return last + (1 - last) * pow(left, number_like(t, a.number_at("power")));
}

/// The share of the cycle under way: each begins at 0, and the last one stays at 1. Loshchilov and Hutter 2017.
Var progress_of_cycle(const JsonValue &a, Var t, Var total) {
  const int64_t restarts = a.integer_at("restarts");
  if (restarts == 0)
    return progress(t, length_of(a, t, total));
  std::vector<double> begins = {0}; // of each cycle, in lengths of the first; and the end
  for (double length = 1; static_cast<int64_t>(begins.size()) < restarts + 2; length *= a.number_at("cycle_factor"))
    begins.push_back(begins.back() + length);
  const Var one = number_like(t, 1);
  const Var length = a.find("decay_steps") ? length_of(a, t, total) : total / begins.back();
  const Var cycles = select(greater(length, 0), t / maximum(length, number_like(t, 1e-9)), 0);
  Var share = minimum(cycles, one);
  for (size_t n = 1; n + 1 < begins.size(); ++n) {
    const Var since = (cycles - begins[n]) / (begins[n + 1] - begins[n]);
    share = select(less(since, number_like(t, 0)), share, minimum(since, one));
  }
  return share;
}

Var cosine_factor(const JsonValue &a, Var t, Var total) {
  return half_cosine(1, a.number_at("final_factor"), progress_of_cycle(a, t, total));
}

/// Smith and Topin 2018, with the corners where PyTorch has them: the last step of each phase reaches its end.
Var one_cycle_factor(const JsonValue &a, Var t, Var total) {
  const double start = a.number_at("start_factor"), last = a.number_at("final_factor");
  const Var length = length_of(a, t, total), one = number_like(t, 1), tiny = number_like(t, 1e-9);
  const Var top = a.number_at("rise") * length - 1, end = length - 1;
  const Var rising = select(greater(top, 0), minimum(t / maximum(top, tiny), one), one);
  const Var falling = minimum(maximum(t - top, number_like(t, 0)) / maximum(end - top, tiny), one);
  const Var factor = select(greater(t, top), half_cosine(1, last, falling), half_cosine(start, 1, rising));
  return select(greater(length, 0), factor, start);
}

Var piecewise_factor(const JsonValue &a, Var t, Var) {
  const std::vector<JsonValue> &boundaries = a.at("boundaries").items, &factors = a.at("factors").items;
  Var factor = number_like(t, 1);
  for (size_t i = 0; i < boundaries.size(); ++i)
    factor = select(less(t, number_like(t, boundaries[i].number)), factor, number_like(t, factors[i].number));
  return factor;
}

std::optional<Mistake> uneven_pieces(const JsonValue &a) {
  const std::vector<JsonValue> &boundaries = a.at("boundaries").items;
  const size_t factors = a.at("factors").items.size();
  if (factors != boundaries.size())
    return Mistake{
        "factors",
        fmt::format("'factors' must be as many as 'boundaries', which are {}, got {}; before the first the factor is 1",
                    boundaries.size(), factors)};
  if (std::ranges::adjacent_find(boundaries, std::ranges::greater_equal{}, &JsonValue::number) != boundaries.end())
    return Mistake{"boundaries", "'boundaries' must rise"};
  return std::nullopt;
}

Var inverse_sqrt_factor(const JsonValue &a, Var t, Var) {
  constexpr double kWithoutWarmup = 10000;
  const JsonValue *given = a.find("decay_steps");
  const double warmup = a.number_at("warmup_steps");
  return 1 / sqrt(1 + t / (given ? given->number : warmup > 0 ? warmup : kWithoutWarmup));
}

Var one_factor(const JsonValue &, Var t, Var) { return number_like(t, 1); }

const std::vector<ScheduleDef> &table() {
  using attr::integer, attr::number, attr::list;
  const Attr length = integer("decay_steps", "steps").at_least(1).otherwise("the rest of the run");
  const Attr last = number("final_factor", "of the rate at the end").at_least(0).at_most(1).used_in_f64().defaults_to("0");
  static const std::vector<ScheduleDef> defs = {
      {{"constant", "initial", {}}, one_factor},
      {{"step",
        "initial * factor^floor(t / every)",
        {integer("every", "steps between two drops").at_least(1),
         number("factor", "of one drop").above(0).used_in_f64().defaults_to("0.1")}},
       step_factor},
      {{"piecewise",
        "initial before the first boundary, then initial times the factor of the last boundary that t has reached. PyTorch's "
        "MultiStepLR has the factors gamma, gamma^2, ...; Keras changes one step later",
        {list("boundaries", integer("", "").at_least(1), "values of t, which rise").items(1, 1000),
         list("factors", number("", "").at_least(0).used_in_f64(), "one for each boundary").items(1, 1000)}},
       piecewise_factor,
       uneven_pieces},
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
      {{"inverse_sqrt",
        "initial / sqrt(1 + t / decay_steps): with a warm-up, and as many decay_steps, that of fairseq and Hugging Face",
        {integer("decay_steps", "steps").at_least(1).otherwise("warmup_steps, or 10000 where there are none")}},
       inverse_sqrt_factor},
      {{"linear", "initial * (1 + (final_factor - 1) * min(t / decay_steps, 1))", {length, last}}, linear_factor},
      {{"polynomial",
        "initial * (f + (1 - f) * (1 - min(t / decay_steps, 1))^power) with f = final_factor",
        {length, last, number("power", "of what is left").above(0).used_in_f64().defaults_to("1")}},
       polynomial_factor},
      {{"cosine",
        "initial * (f + (1 - f) * (1 + cos(pi * min(t / decay_steps, 1))) / 2) with f = final_factor. With restarts t counts "
        "from the begin of a cycle; the first has decay_steps, each further one cycle_factor times as many as the one before",
        {integer("decay_steps", "steps, with restarts of the first cycle")
             .at_least(1)
             .otherwise("what is left of the run, shared by all cycles"),
         last,
         integer("restarts", "how often it begins again; in PyTorch without end").at_least(0).at_most(100).defaults_to("0"),
         number("cycle_factor", "length of a cycle in lengths of the one before; T_mult of PyTorch, t_mul of Keras")
             .at_least(1)
             .at_most(10)
             .used_in_f64()
             .defaults_to("1")}},
       cosine_factor},
      {{"one_cycle",
        "rises from initial * start_factor to initial, then falls to initial * final_factor, both along half a cosine; initial "
        "is the largest rate. As PyTorch's OneCycleLR with cycle_momentum=False: start_factor is 1 / div_factor, final_factor "
        "start_factor / final_div_factor",
        {length, number("rise", "share of the steps in which it rises").above(0).below(1).used_in_f64().defaults_to("0.3"),
         number("start_factor", "of the rate at first").at_least(0).at_most(1).used_in_f64().defaults_to("0.04"),
         number("final_factor", "of the rate at the end").at_least(0).at_most(1).used_in_f64().defaults_to("4e-6")}},
       one_cycle_factor},
      {{"plateau",
        "initial, and after each epoch times factor if the metric has made no progress for more than patience epochs. As "
        "PyTorch's ReduceLROnPlateau with threshold_mode=\"rel\" and eps=0; Keras waits for patience epochs. Who trains lowers "
        "the rate: gradc train, or your program by what it writes into the run-time argument",
        {number("factor", "of one drop").above(0).below(1).used_in_f64().defaults_to("0.1"),
         integer("patience", "epochs without progress that are borne").at_least(0).defaults_to("10"),
         attr::name(
             "metric",
             "what is watched: loss, or the name of a metric; of the rows that validate, without them the loss in training")
             .defaults_to("\"loss\""),
         number("threshold", "progress is a change for the better by more than this share of the best value")
             .at_least(0)
             .below(1)
             .used_in_f64()
             .defaults_to("1e-4"),
         integer("cooldown", "epochs after a drop that do not count").at_least(0).defaults_to("0"), last}},
       one_factor},
  };
  return defs;
}

const ScheduleDef &find_schedule(const JsonValue &schedule) {
  const auto found =
      std::ranges::find(table(), schedule.string_at("type"), [](const ScheduleDef &def) { return def.spec.name; });
  internal_check(found != table().end(), "no such schedule");
  return *found;
}

Family family_of(bool of_numbers) {
  Family f{"schedule",
           "A rate over the steps of a run; t counts from the end of the warm-up. It may stand wherever a number is a run-time "
           "argument: for a learning rate, a weight decay, a dropout rate. The code that trains does not depend on it."};
  f.common = {
      attr::number("initial", "the rate after the warm-up").at_least(0),
      attr::integer("warmup_steps", "steps in which the rate first rises linearly to initial").at_least(0).defaults_to("0")};
  f.default_type = "constant";
  if (of_numbers)
    f.number_type = "constant", f.number_key = "initial";
  for (const ScheduleDef &def : table())
    f.types.push_back(&def.spec);
  return f;
}

} // namespace

const Family &schedules() {
  static const Family family = family_of(true);
  return family;
}

Attr scheduled(Attr number) {
  static const Family beside_numbers = family_of(false);
  Attr either = attr::any_of(number.name, {}, number.doc);
  either.default_json = number.default_json;
  either.of = {std::move(number), attr::one_of("", beside_numbers, "")};
  return either;
}

const Attr &initial_rate() { return schedules().common[0]; }

const Attr &initial_limits(const Attr &attr) { return attr.kind == Attr::Kind::any_of ? attr.of[0] : initial_rate(); }

double initial_of(const JsonValue &value) {
  return value.is(JsonValue::Kind::object) ? value.number_at("initial") : value.number;
}

bool is_constant(const JsonValue &value) {
  return !value.is(JsonValue::Kind::object) ||
         (value.string_at("type") == table()[0].spec.name && value.number_at("warmup_steps") == 0);
}

std::optional<Mistake> mistake_in(const JsonValue &schedule) {
  const auto check = find_schedule(schedule).check;
  return check ? check(schedule) : std::nullopt;
}

Var scheduled_value(const JsonValue &schedule, Var initial, Var step, Var total_steps) {
  const ScheduleDef &def = find_schedule(schedule);
  const double warmup = schedule.number_at("warmup_steps");
  const Var now = cast(step, DType::f64);
  if (warmup == 0)
    return initial * def.factor(schedule, now, cast(total_steps, DType::f64));
  const Var t = maximum(now - warmup, number_like(now, 0)); // unused values must be finite too
  const Var factor = def.factor(schedule, t, cast(total_steps, DType::f64) - warmup);
  return initial * select(less(now, number_like(now, warmup)), (now + 1) / warmup, factor);
}

} // namespace gradc
