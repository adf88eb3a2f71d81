// Metrics: numbers computed from sums over the examples.
#pragma once

#include "compiler/model/tables/losses.h"

namespace gradc {

struct MetricDef {
  ObjectSpec spec;
  std::string_view kind; // how the terms make the metric: "mean": term 0 / examples; "r2"
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
