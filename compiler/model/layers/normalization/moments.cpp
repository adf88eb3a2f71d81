#include "compiler/model/layers/normalization/moments.h"

namespace gradc {

Moments moments(Var x, const std::vector<int64_t> &axes, bool keep) {
  const Var total = sum(x, axes, keep);
  const double share = static_cast<double>(total.type().elements()) / static_cast<double>(x.type().elements());
  const Var first = stop_gradient(total * share);
  const Var centered = x - first;
  const Var rest = sum(centered, axes, keep) * share;
  const Var mean_square = sum(square(centered), axes, keep) * share;
  const Var variance = mean_square - square(rest);
  // Of equal values rounding may leave less than 0.
  return {centered, rest, first + rest, select(less(variance, number_like(variance, 0)), 0, variance)};
}

Var one_over_deviation(const Moments &m, double epsilon) { return apply("rsqrt", {m.variance + epsilon}); }

} // namespace gradc
