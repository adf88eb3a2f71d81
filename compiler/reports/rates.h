// What the schedules of a model make of its rates.
#pragma once

#include "compiler/model/model.h"

namespace gradc {

/// A rate over the steps of a run.
struct RateCurve {
  std::string name;
  std::vector<std::pair<int64_t, double>> values; // by step
};

/// Of every rate that has a schedule, in a run of so many steps; of a long run so many steps as a picture has points. Computed
/// by the
/// reference interpreter: nothing is compiled. Throws Error when nothing has a schedule.
std::vector<RateCurve> rate_curves(const Model &model, int64_t steps);

} // namespace gradc
