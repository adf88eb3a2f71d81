#include "compiler/model/graphs/calibration.h"

#include "compiler/model/tables/initializers.h"

#include <limits>

namespace gradc {

/// 1 / the deviation of all elements of y, each of which is a sum of so many terms; 1 where they differ by the rounding of such sums.
static Var one_over_deviation(Var y, double terms) {
  const double count = static_cast<double>(y.type().elements());
  const double epsilon = y.dtype() == DType::f32 ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
  const Var x = cast(y, DType::f64), mean = sum(x) / count, deviation = sqrt(sum(square(x - mean)) / count);
  return cast(1 / select(greater(deviation, terms * epsilon * abs(mean)), deviation, 1), y.dtype());
}

Var Calibration::scaled(size_t param, Var y) {
  if (!is_calibrated(model_.params[param].initializer))
    return y;
  if (!factors_.contains(param)) {
    const Var w{y.scope, declared_.params[param]};
    const Var factor = one_over_deviation(y, static_cast<double>(w.type().elements() / w.shape().back()));
    factors_.emplace(param, factor.value);
    const Value scaled = (w * factor).value;
    graph_.updates.push_back({w.value, scaled});
    if (const std::optional<Value> average = declared_.average_of(param))
      graph_.updates.push_back({*average, scaled});
  }
  return y * Var{y.scope, factors_.at(param)};
}

} // namespace gradc
