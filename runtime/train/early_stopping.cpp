// See early_stopping.h.
#include "runtime/train/early_stopping.h"

#include "runtime/train/error.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace gradc::runtime {

EarlyStopping::EarlyStopping(const Signature &signature) {
  const auto section = signature.train.is_object() ? signature.train.find("early_stopping") : signature.train.end();
  if (section == signature.train.end() || !section->is_object())
    return;
  metric_ = section->value("metric", "loss");
  patience_ = section->value("patience", int64_t{1});
  min_delta_ = section->value("min_delta", 0.0);
  const auto found = std::ranges::find(signature.metrics, metric_, &MetricInfo::name);
  if (found == signature.metrics.end())
    throw Error(fmt::format("early_stopping: the model has no metric '{}'", metric_));
  higher_is_better_ = found->higher_is_better;
}

bool EarlyStopping::takes(RunState &state, const std::vector<Metric> &validation) const {
  const auto found = std::ranges::find(validation, metric_, &Metric::name);
  if (!is_on() || found == validation.end() || std::isnan(found->value))
    return false;
  const bool first = !state.best;
  const double gain = first ? 0 : higher_is_better_ ? found->value - state.best->value : state.best->value - found->value;
  if (!first && !(gain > min_delta_))
    return false;
  state.best = Best{metric_, found->value, state.epoch};
  return true;
}

bool EarlyStopping::is_over(const RunState &state) const {
  return is_on() && state.batch == 0 && state.epoch - (state.best ? state.best->epoch : 0) >= patience_;
}

void EarlyStopping::adopt(RunState &state) const {
  if (state.best && state.best->metric != metric_)
    state.best.reset();
}

std::string best_path(const std::string &checkpoint) {
  constexpr std::string_view kEnding = ".safetensors";
  const bool ends = checkpoint.ends_with(kEnding);
  return checkpoint.substr(0, checkpoint.size() - (ends ? kEnding.size() : 0)) + ".best" + std::string(kEnding);
}

} // namespace gradc::runtime
