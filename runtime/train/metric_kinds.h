// How a metric follows from what `evaluate` puts out.
#pragma once

#include "runtime/train/signature.h"

#include <map>
#include <stdexcept>

namespace gradc::runtime {

/// The outputs of `evaluate` that a metric follows from, by name: of most kinds the sums over all batches, element by element;
/// of kinds whose MetricKind::rows is set, the values of all batches one behind the other.
using Terms = std::map<std::string, std::vector<double>>;

struct Metric {
  std::string name;
  double value = 0;          // NaN where the metric is not defined for these rows, as r2 where all targets are equal
  std::vector<double> table; // a matrix of classes by classes, in place of a value; empty: there is a value
  std::vector<std::string> classes = {}; // of a table: their names
};

/// How metrics of a kind are computed. The kind is named in the signature.
struct MetricKind {
  std::string_view name;
  size_t terms; // how many outputs of `evaluate` it follows from; 0: two for each factor, and one
  bool rows;    // these have a row for every example, or for every batch, where those of other kinds are sums
  double (*finish)(const MetricInfo &, const std::vector<const std::vector<double> *> &terms, double examples);
};

/// A term of a metric is infinite or no number; what() names the metric.
struct NotFinite : std::runtime_error {
  NotFinite(const std::string &metric, double term) : std::runtime_error(metric), value(term) {}
  double value;
};

/// Null when there is none of that name.
const MetricKind *find_metric_kind(std::string_view name);

/// Adds the values of an output of `evaluate` for one more batch.
void add_batch(const Signature &, const std::string &output, const std::vector<double> &values, Terms &);

/// The metric of `examples` examples; the classes of a table have names where its target has labels, else numbers. Throws Error
/// when a term is missing or has an unexpected size, and NotFinite.
Metric finish(const Signature &, const MetricInfo &, const Terms &, double examples);

} // namespace gradc::runtime
