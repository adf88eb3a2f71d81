// Metrics for people and for programs.
#pragma once

#include "runtime/train/metrics.h"

namespace gradc::runtime {

/// "  val loss 0.52  val accuracy 0.9": the metrics that are numbers, each with a prefix.
std::string metrics_text(const std::vector<Metric> &metrics, std::string_view prefix);

/// The metrics that are tables, each under a line that names it: rows are what examples are, columns what they are called.
std::string tables_text(const std::vector<Metric> &metrics);

/// An object with a member for each metric: a number, null where it is not defined, or a list of the rows of a table.
nlohmann::ordered_json metrics_json(const std::vector<Metric> &metrics);

/// What `gradc evaluate` says of a part of the data, as text and as one JSON object, each with its line break.
std::string evaluation_text(const std::string &part, int64_t rows, const std::vector<Metric> &metrics);
std::string evaluation_json(const std::string &part, int64_t rows, const std::vector<Metric> &metrics);

} // namespace gradc::runtime
