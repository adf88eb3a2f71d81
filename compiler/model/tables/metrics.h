// Metrics: numbers computed from sums over the examples.
#pragma once

#include "compiler/model/tables/losses.h"

namespace gradc {

/// How the terms, summed over all examples, make the metric; the runtime does it (runtime/train/signature.h).
enum class MetricKind : uint8_t { mean, r2 };
std::string_view to_string(MetricKind); // as the signature of a model has it

struct MetricDef {
  ObjectSpec spec;
  MetricKind kind;
  bool needs_link;       // judges classes or yes/no answers: wants a cross-entropy loss
  bool higher_is_better;
  std::vector<std::string_view> terms;
  /// The terms, in that order; the target has been fitted.
  std::vector<Var> (*build)(Link link, Var prediction, Var target);
};

const Family &metrics();
/// InternalFault when there is none of that type.
const MetricDef &find_metric(std::string_view type);

} // namespace gradc
