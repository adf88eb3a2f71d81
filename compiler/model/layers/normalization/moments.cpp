#include "compiler/model/layers/normalization/moments.h"

namespace gradc {

Var mean(Var x, const std::vector<int64_t> &axes, bool keep) {
  const Var total = sum(x, axes, keep);
  return total * (static_cast<double>(total.type().elements()) / static_cast<double>(x.type().elements()));
}

Moments moments_from(Var c, Var centered, Var rest, Var mean_square) {
  const Var variance = mean_square - square(rest);
  // Of equal values rounding may leave less than 0.
  return {centered, rest, c + rest, select(less(variance, number_like(variance, 0)), 0, variance)};
}

Moments moments(Var x, const std::vector<int64_t> &axes, bool keep) {
  const Var c = stop_gradient(mean(x, axes, keep)), centered = x - c;
  const Var rest = mean(centered, axes, keep), mean_square = mean(square(centered), axes, keep);
  return moments_from(c, centered, rest, mean_square);
}

Var one_over_deviation(const Moments &m, double epsilon) { return apply("rsqrt", {m.variance + epsilon}); }

} // namespace gradc
