// The metrics. Sums are taken in f64, so that evaluation over many batches adds no error of its own.
#include "compiler/model/tables/metrics.h"

#include "ir/error.h"

namespace gradc {
namespace {

/// Divides by the elements of one example, so that the mean over examples is the mean over elements.
Var per_example(Var values) {
  const int64_t elements = values.type().elements() / std::max<int64_t>(values.shape()[0], 1);
  return sum(values) * (1.0 / static_cast<double>(std::max<int64_t>(elements, 1)));
}

std::vector<Var> accuracy(Link link, Var prediction, Var target) {
  if (link == Link::sigmoid)
    return {per_example(cast(equal(greater(prediction, 0), greater(target, 0.5)), DType::f64))};
  const Var chosen = argmax_last(prediction);
  const Var wanted = is_float(target.dtype()) ? argmax_last(target) : target;
  return {per_example(cast(equal(cast(chosen, wanted.dtype()), wanted), DType::f64))};
}

std::vector<Var> absolute_error(Link, Var prediction, Var target) {
  return {per_example(abs(cast(prediction, DType::f64) - cast(target, DType::f64)))};
}

std::vector<Var> determination(Link, Var prediction, Var target) {
  const Var t = cast(target, DType::f64);
  return {sum(square(cast(prediction, DType::f64) - t)), sum(t), sum(square(t))};
}

std::vector<Attr> keys() {
  return {
      attr::name("prediction", "the layer it judges").otherwise("that of the first loss it applies to"),
      attr::name("target", "the input it compares with").otherwise("that of the first loss it applies to")};
}

const std::vector<MetricDef> &table() {
  static const std::vector<MetricDef> defs = {
      {{"accuracy", "Share of right answers: the class of the largest logit, or yes for a positive one.",
        keys()},
       MetricKind::mean,
       true,
       true,
       {"sum"},
       accuracy},
      {{"mae", "Mean of |prediction - target| over all elements.", keys()},
       MetricKind::mean,
       false,
       false,
       {"sum"},
       absolute_error},
      {{"r2",
        "1 - sum((prediction - target)^2) / sum((target - mean(target))^2): 1 is perfect, 0 is no better "
        "than the mean.",
        keys()},
       MetricKind::r2,
       false,
       true,
       {"sse", "sum", "sum_squares"},
       determination},
  };
  return defs;
}

} // namespace

std::string_view to_string(MetricKind kind) { return kind == MetricKind::r2 ? "r2" : "mean"; }

const Family &metrics() {
  static const Family family = [] {
    Family f{"metric", "What is reported besides the loss."};
    f.common = {attr::name("name", "what reports call it").otherwise("its type")};
    f.by_name = true;
    for (const MetricDef &def : table())
      f.types.push_back(&def.spec);
    return f;
  }();
  return family;
}

const MetricDef &find_metric(std::string_view type) {
  for (const MetricDef &def : table())
    if (def.spec.name == type)
      return def;
  throw InternalFault("no such metric");
}

} // namespace gradc
