// Which numbers a declaration of floats may hold. A call or a weights file that brings others is refused before it changes
// anything.
#pragma once

#include <cstdint>
#include <limits>

namespace gradc {

/// Every element lies in [least, most]. With `row` > 0 the elements are rows of so many, one after the other, and the sum of
/// each row lies in [sum_least, sum_most]: so [0, 1] and sums of about 1 are the probabilities of `row` classes. A number that
/// is none (NaN) lies in no domain.
struct Domain {
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double least = -kInfinity, most = kInfinity;
  int64_t row = 0;
  double sum_least = -kInfinity, sum_most = kInfinity;

  friend bool operator==(const Domain &, const Domain &) = default;
};

} // namespace gradc
