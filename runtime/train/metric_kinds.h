// Kinds of metrics: how a number follows from what `evaluate` puts out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gradc::runtime {

struct MetricKind;

/// A metric of a model.
struct MetricInfo {
  std::string name;
  const MetricKind *kind = nullptr; // how it follows from its terms
  std::vector<std::string> terms;   // outputs of `evaluate`
  double per_example = 1;           // elements, or classes, that are judged in an example
  std::vector<double> factors;      // of the fractions that a "total" is the sum of
  std::string average;              // how the scores of classes are averaged: "macro", "weighted", "micro"
  std::string target;               // the input or layer that predictions are compared with
  bool higher_is_better = false;
};

/// How metrics of a kind are computed. The kind is named in the signature.
struct MetricKind {
  std::string_view name;
  size_t terms; // how many outputs of `evaluate` it follows from; 0: two for each factor, and one
  bool rows;    // these have a row for every example, or for every batch, where those of other kinds are sums
  /// The value, from the terms over all batches; NaN where it is not defined. Null: the one term is a table.
  double (*finish)(const MetricInfo &, const std::vector<const std::vector<double> *> &terms, double examples);
};

/// Null when there is none of that name.
const MetricKind *find_metric_kind(std::string_view name);

} // namespace gradc::runtime
