// See plateau.h.
#include "runtime/train/plateau.h"

#include "runtime/train/error.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace gradc::runtime {

/// What is known of progress in one metric means nothing for another, so it is kept by both names.
static std::string key_of(const std::string &rate, const std::string &metric) { return rate + " by " + metric; }

Plateaus::Plateaus(const Signature &signature) {
  for (const auto &[rate, keys] : signature.plateaus.items()) {
    Rule rule{keys.value("metric", "loss"),      false,
              keys.value("factor", 0.1),         keys.value("threshold", 0.0),
              keys.value("final_factor", 0.0),   keys.value("patience", int64_t{0}),
              keys.value("cooldown", int64_t{0})};
    const auto found = std::ranges::find(signature.metrics, rule.metric, &MetricInfo::name);
    if (found == signature.metrics.end())
      throw Error(fmt::format("{}: the model has no metric '{}'", rate, rule.metric));
    rule.higher_is_better = found->higher_is_better;
    rules_.emplace(rate, std::move(rule));
  }
}

bool Plateaus::Rule::is_progress(double value, double best) const {
  return higher_is_better ? value > best * (1 + threshold) : value < best * (1 - threshold);
}

void Plateaus::Rule::take(Plateau &plateau, double value) const {
  if (!std::isnan(value) && (!plateau.best || is_progress(value, *plateau.best))) {
    plateau.best = value;
    plateau.epochs = 0;
  } else {
    ++plateau.epochs;
  }
  if (plateau.cooldown > 0) {
    --plateau.cooldown;
    plateau.epochs = 0;
  }
  if (plateau.epochs <= patience)
    return;
  plateau.factor = std::max(plateau.factor * factor, least);
  plateau.cooldown = cooldown;
  plateau.epochs = 0;
}

void Plateaus::take(RunState &state, const std::vector<Metric> &validation, double training_loss) const {
  std::map<std::string, Plateau> plateaus;
  for (const auto &[rate, rule] : rules_) {
    const std::string key = key_of(rate, rule.metric);
    Plateau &plateau = plateaus[key] = state.plateaus[key];
    const auto found = std::ranges::find(validation, rule.metric, &Metric::name);
    if (found != validation.end() || rule.metric == "loss")
      rule.take(plateau, found != validation.end() ? found->value : training_loss);
  }
  state.plateaus = std::move(plateaus);
}

double Plateaus::factor(const RunState &state, const std::string &rate) const {
  const auto rule = rules_.find(rate);
  const auto known = rule == rules_.end() ? state.plateaus.end() : state.plateaus.find(key_of(rate, rule->second.metric));
  return known == state.plateaus.end() ? 1 : known->second.factor;
}

} // namespace gradc::runtime
