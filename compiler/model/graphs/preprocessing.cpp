#include "compiler/model/graphs/preprocessing.h"

#include <cmath>
#include <limits>

namespace gradc {
namespace {

/// raw * scale + offset, in f64.
Var scaled(const ModelInput &input, Var raw) {
  Var x = cast(raw, DType::f64);
  if (input.preprocessing.scale != 1)
    x = x * input.preprocessing.scale;
  if (input.preprocessing.offset != 0)
    x = x + input.preprocessing.offset;
  return x;
}

/// A statistic with the unit dims of `like`, a tensor with a batch, so that it stands beside each example.
Var beside(Var like, Value statistic) {
  const Shape shape = like.shape();
  return reshape(Var{like.scope, statistic}, Shape(shape.begin() + 1, shape.end()));
}

/// Values that are equal but for rounding have a deviation of about their own rounding error, not 0. The bound is that of
/// scikit-learn's StandardScaler: examples * epsilon * |mean|.
Var or_one_if_constant(Var deviation, Var mean, Var count) {
  const Var bound = count * std::numeric_limits<double>::epsilon() * abs(mean);
  return select(greater(deviation, bound), deviation, 1);
}

} // namespace

Var preprocessed(const ModelInput &input, const std::optional<Statistics> &statistics, Var raw, DType float_dtype) {
  if (!is_float(input.dtype))
    return raw;
  if (!input.preprocessing.changes_values())
    return cast(raw, float_dtype);
  Var x = scaled(input, raw);
  if (statistics)
    x = (x - beside(x, statistics->mean)) / beside(x, statistics->deviation);
  return cast(x, float_dtype);
}

/// How large one unit of the preprocessed input is in those of its raw data.
static Var unit_of(const ModelInput &input, const std::optional<Statistics> &statistics, const Shape &beside, Var like) {
  const Var one = number_like(like, 1 / std::abs(input.preprocessing.scale));
  return statistics ? one * reshape({like.scope, statistics->deviation}, beside) : one;
}

Var in_own_units(const ModelInput &input, const std::optional<Statistics> &statistics, const Shape &beside,
                 LossOperand::Estimates what, Var estimate) {
  using Estimates = LossOperand::Estimates;
  Var y = cast(estimate, DType::f64);
  switch (what) {
  case Estimates::nothing:
    return y;
  case Estimates::deviation:
    return y * unit_of(input, statistics, beside, y);
  case Estimates::variance:
    return y * square(unit_of(input, statistics, beside, y));
  case Estimates::log_deviation:
    return y + log(unit_of(input, statistics, beside, y));
  case Estimates::log_variance:
    return y + 2 * log(unit_of(input, statistics, beside, y));
  case Estimates::target:
    break;
  }
  if (statistics)
    y = y * reshape({y.scope, statistics->deviation}, beside) + reshape({y.scope, statistics->mean}, beside);
  if (input.preprocessing.offset != 0)
    y = y - input.preprocessing.offset;
  if (input.preprocessing.scale != 1)
    y = y / input.preprocessing.scale;
  return y;
}

void fit_statistics(Graph &graph, const ModelInput &input, const Statistics &s, Value raw) {
  const Scope scope{graph, location_of(input)};
  const auto read = [&](Value v) { return Var{&scope, v}; };
  const Var x = scaled(input, read(raw));
  const double batch = static_cast<double>(x.shape()[0]);
  const Var batch_mean = sum(x, {0}, false) / batch;
  const Var batch_squares = sum(square(x - batch_mean), {0}, false);
  const Var count = read(s.count), mean = read(s.mean), squares = read(s.squares);
  const Var total = count + batch;
  const Var shift = batch_mean - mean;
  const Var new_mean = mean + shift * (batch / total);
  const Var new_squares = squares + batch_squares + square(shift) * (count * (batch / total));
  const Var deviation = or_one_if_constant(sqrt(new_squares / total), new_mean, total);
  graph.updates.push_back({s.mean, new_mean.value});
  graph.updates.push_back({s.deviation, deviation.value});
  graph.updates.push_back({s.count, total.value});
  graph.updates.push_back({s.squares, new_squares.value});
}

void init_statistics(Graph &graph, const ModelInput &input, const Statistics &s) {
  for (const auto &[buffer, value] : {std::pair(s.mean, 0.0), {s.deviation, 1.0}, {s.count, 0.0}, {s.squares, 0.0}})
    graph.updates.push_back({buffer, graph.constant(value, graph.type(buffer), location_of(input))});
}

} // namespace gradc
