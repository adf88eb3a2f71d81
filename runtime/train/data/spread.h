// How far values lie apart.
#pragma once

#include <cmath>
#include <limits>

namespace gradc::runtime {

/// Of values taken one by one or in groups, in f64. `squares` is the sum of (value - mean)^2; from a sum of the squares of the
/// values it would be left as the small difference of two large numbers.
struct Spread {
  double count = 0, mean = 0, squares = 0;

  /// Welford 1962.
  void take(double value) {
    const double distance = value - mean;
    mean += distance / ++count;
    squares += distance * (value - mean);
  }
  /// Chan, Golub and LeVeque 1979.
  void take(const Spread &group) {
    const double all = count + group.count, distance = group.mean - mean;
    mean += distance * (group.count / all);
    squares += group.squares + distance * distance * (count * (group.count / all));
    count = all;
  }
  double deviation() const { return std::sqrt(squares / count); }
  /// Whether the values are equal but for rounding. The bound is that of scikit-learn's StandardScaler.
  bool is_constant() const {
    return deviation() <= count * std::numeric_limits<double>::epsilon() * std::fabs(mean);
  }
};

} // namespace gradc::runtime
