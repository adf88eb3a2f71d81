// Metrics over any number of rows, from what the compiled "evaluate" puts out.
#pragma once

#include "runtime/train/data/batches.h"
#include "runtime/train/instance.h"
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

/// A term of a metric is infinite or no number; what() names the metric.
struct NotFinite : std::runtime_error {
  NotFinite(const std::string &metric, double term) : std::runtime_error(metric), value(term) {}
  double value;
};

/// Adds the values of an output of `evaluate` for one more batch.
void add_batch(const Signature &, const std::string &output, const std::vector<double> &values, Terms &);

/// The metric of `examples` examples; the classes of a table have names where its target has labels, else numbers. Throws Error
/// when a term is missing or has an unexpected size, and NotFinite.
Metric finish(const Signature &, const MetricInfo &, const Terms &, double examples);

/// How `rows` rows are covered by batches of the sizes that an entry of this kind is compiled for: always the largest
/// that fits. Throws Error when a rest remains, saying what to compile.
std::vector<int64_t> cover(int64_t rows, std::vector<int64_t> sizes, int32_t kind);

/// The signature's metrics over the rows of `part`. Empty when the part is, or the signature has no metrics. A metric that is
/// not defined for these rows, as r2 where all targets are equal, is NaN. Throws NotFinite.
std::vector<Metric> evaluate(Instance &instance, const Signature &signature, Batches &batches, const Part &part,
                             const Position &position);

} // namespace gradc::runtime
