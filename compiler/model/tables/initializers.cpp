// The initializers. xavier_*: Glorot and Bengio 2010, variance 2 / (fan_in + fan_out); he_*: He et al. 2015,
// variance 2 / fan_in. A uniform distribution on [-a, a] has variance a^2 / 3.
#include "compiler/model/tables/initializers.h"

#include "ir/error.h"

#include <cmath>

namespace gradc {
namespace {

struct Fans {
  double in, out;
};

Fans fans(const Shape &shape) {
  if (shape.empty())
    return {1, 1};
  const double out = static_cast<double>(shape.back());
  return {static_cast<double>(element_count(shape)) / std::max(out, 1.0), out};
}

/// The distribution of the values; where the deviation is 0, all of them are the mean.
struct Distribution {
  bool uniform;
  double mean, deviation;
};

struct InitializerDef {
  ObjectSpec spec;
  Distribution (*distribution)(const JsonValue &attrs, Fans fans);
  /// What is wrong with the attributes together; null where nothing can be.
  std::string (*problem)(const JsonValue &attrs) = nullptr;
};

std::string empty_range(const JsonValue &a) {
  return a.number_at("min") <= a.number_at("max") ? "" : "'min' is above 'max'";
}

const std::vector<InitializerDef> &table() {
  using attr::number;
  static const std::vector<InitializerDef> defs = {
      {{"zeros", "All zero.", {}}, [](const JsonValue &, Fans) { return Distribution{false, 0, 0}; }},
      {{"constant", "All equal.", {number("value", "the value")}},
       [](const JsonValue &a, Fans) { return Distribution{false, a.number_at("value"), 0}; }},
      {{"normal",
        "Normal distribution.",
        {number("mean", "its mean").defaults_to("0"),
         number("stddev", "its standard deviation").at_least(0).defaults_to("0.05")}},
       [](const JsonValue &a, Fans) {
         return Distribution{false, a.number_at("mean"), a.number_at("stddev")};
       }},
      {{"uniform",
        "Uniform distribution on [min, max).",
        {number("min", "lower end").defaults_to("-0.05"), number("max", "upper end").defaults_to("0.05")}},
       [](const JsonValue &a, Fans) {
         const double low = a.number_at("min"), high = a.number_at("max");
         return Distribution{true, (low + high) / 2, (high - low) / 2 / std::sqrt(3.0)};
       },
       empty_range},
      {{"xavier_uniform", "Uniform with variance 2 / (fan_in + fan_out).", {}},
       [](const JsonValue &, Fans f) { return Distribution{true, 0, std::sqrt(2 / (f.in + f.out))}; }},
      {{"xavier_normal", "Normal with variance 2 / (fan_in + fan_out).", {}},
       [](const JsonValue &, Fans f) { return Distribution{false, 0, std::sqrt(2 / (f.in + f.out))}; }},
      {{"he_uniform", "Uniform with variance 2 / fan_in.", {}},
       [](const JsonValue &, Fans f) { return Distribution{true, 0, std::sqrt(2 / f.in)}; }},
      {{"he_normal", "Normal with variance 2 / fan_in.", {}},
       [](const JsonValue &, Fans f) { return Distribution{false, 0, std::sqrt(2 / f.in)}; }},
  };
  return defs;
}

const InitializerDef &find(const JsonValue &initializer) {
  for (const InitializerDef &def : table())
    if (def.spec.name == initializer.string_at("type"))
      return def;
  throw InternalFault("no such initializer");
}

} // namespace

const Family &initializers() {
  static const Family family = [] {
    Family f{"initializer", "Initial values of a parameter.", {}, {}, true};
    for (const InitializerDef &def : table())
      f.types.push_back(&def.spec);
    return f;
  }();
  return family;
}

Var initial_value(const JsonValue &initializer, const Type &type, Var seed, Var step, int64_t stream) {
  const Distribution d = find(initializer).distribution(initializer, fans(type.shape));
  if (d.deviation == 0)
    return constant(*seed.scope, d.mean, type);
  const Attrs attrs = {{"stream", stream}};
  if (!d.uniform)
    return apply("random_normal", {seed, step}, attrs, type) * d.deviation + d.mean;
  const double reach = d.deviation * std::sqrt(3.0); // from [0, 1) to [mean - reach, mean + reach)
  return apply("random_uniform", {seed, step}, attrs, type) * (2 * reach) + (d.mean - reach);
}

std::string problem_of(const JsonValue &initializer) {
  const InitializerDef &def = find(initializer);
  return def.problem ? def.problem(initializer) : "";
}

} // namespace gradc
