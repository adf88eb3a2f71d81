#include "runtime/train/reports/metric_text.h"

#include <algorithm>
#include <fmt/format.h>

namespace gradc::runtime {
namespace {

using Json = nlohmann::ordered_json;

/// The characters of a text; continuation bytes of UTF-8 are none.
size_t characters(const std::string &text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string right_aligned(const std::string &text, size_t width) {
  return std::string(width - std::min(width, characters(text)), ' ') + text;
}

std::string table_text(const Metric &metric) {
  const size_t side = metric.classes.size();
  std::vector<std::string> cells;
  for (const double value : metric.table)
    cells.push_back(fmt::format("{}", value));
  size_t head = 0;
  for (const std::string &name : metric.classes)
    head = std::max(head, characters(name));
  std::vector<size_t> widths;
  for (size_t column = 0; column < side; ++column) {
    widths.push_back(characters(metric.classes[column]));
    for (size_t row = 0; row < side; ++row)
      widths.back() = std::max(widths.back(), cells[row * side + column].size());
  }
  std::string text = fmt::format("{} (rows: what it is, columns: what it is called)\n{}", metric.name, std::string(head, ' '));
  for (size_t column = 0; column < side; ++column)
    text += "  " + right_aligned(metric.classes[column], widths[column]);
  for (size_t row = 0; row < side; ++row) {
    text += "\n" + right_aligned(metric.classes[row], head);
    for (size_t column = 0; column < side; ++column)
      text += "  " + right_aligned(cells[row * side + column], widths[column]);
  }
  return text + "\n";
}

/// {"classes": their names, "counts": [[...], ...]}, a row for each class that it is. Counts are whole numbers.
Json table_json(const Metric &metric) {
  const auto side = static_cast<std::ptrdiff_t>(metric.classes.size());
  Json rows = Json::array();
  for (auto row = metric.table.begin(); row != metric.table.end(); row += side)
    rows.push_back(std::vector<int64_t>(row, row + side));
  return {{"classes", metric.classes}, {"counts", std::move(rows)}};
}

} // namespace

std::string metrics_text(const std::vector<Metric> &metrics, std::string_view prefix) {
  std::string text;
  for (const Metric &metric : metrics)
    if (metric.table.empty())
      text += fmt::format("  {}{} {:.4g}", prefix, metric.name, metric.value);
  return text;
}

std::string tables_text(const std::vector<Metric> &metrics) {
  std::string text;
  for (const Metric &metric : metrics)
    if (!metric.table.empty())
      text += table_text(metric);
  return text;
}

Json metrics_json(const std::vector<Metric> &metrics) {
  Json json = Json::object();
  for (const Metric &metric : metrics)
    json[metric.name] = metric.table.empty() ? Json(metric.value) : table_json(metric);
  return json;
}

std::string evaluation_text(const std::string &part, int64_t rows, const std::vector<Metric> &metrics) {
  return fmt::format("{}: {} {}{}\n{}", part, rows, rows == 1 ? "row" : "rows", metrics_text(metrics, ""), tables_text(metrics));
}

std::string evaluation_json(const std::string &part, int64_t rows, const std::vector<Metric> &metrics) {
  return Json{{"part", part}, {"rows", rows}, {"metrics", metrics_json(metrics)}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace gradc::runtime
