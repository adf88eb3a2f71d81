// Metrics: numbers computed from sums over the examples.
#pragma once

#include "compiler/model/tables/losses.h"

namespace gradc {

/// How the terms make the metric; the runtime does it (runtime/train/metric_kinds.h).
enum class MetricKind : uint8_t { mean, ratio, r2, precision, recall, f1, confusion, auc };
std::string_view to_string(MetricKind); // as the signature of a model has it

/// What the formula of a metric works with.
struct MetricBuild {
  Link link;
  Var prediction, target; // the target has been cast and shaped by fit_target()
  const JsonValue &attrs;              // complete
  std::optional<int64_t> ignored = {}; // a class label that counts nowhere
  std::vector<Var> named = {};         // the values that an expression names; it has no link, prediction and target
};

struct MetricDef {
  ObjectSpec spec;
  MetricKind kind;
  bool needs_link;       // judges classes or yes/no answers: wants a cross-entropy loss
  bool higher_is_better;
  std::vector<std::string_view> terms;
  /// The terms, in that order, as f64: sums over the batch, but for auc, which has rows for its examples.
  std::vector<Var> (*build)(const MetricBuild &);
};

/// How the terms of a metric make it, and what they are. A mean over the examples whose label counts has their number as a second term.
MetricKind kind_of(const MetricDef &, std::optional<int64_t> ignored);
std::vector<std::string_view> terms_of(const MetricDef &, std::optional<int64_t> ignored);

/// How many classes a prediction (with batch) tells apart: the extent of its last axis, or the elements of an example, each of
/// which is a yes or a no.
int64_t judged_classes(Link, const Shape &prediction);

const Family &metrics();
/// InternalFault when there is none of that type.
const MetricDef &find_metric(std::string_view type);

} // namespace gradc
