// Reads the per-input objects of "data"; see binding.h.
#include "runtime/train/binding.h"

#include "runtime/gradc.h"
#include "runtime/train/error.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <numeric>
#include <span>

namespace gradc::runtime {
namespace {

using Json = nlohmann::json;

/// Levenshtein distance, for suggestions.
size_t distance(const std::string &a, const std::string &b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

/// What the user may have meant by a name that no column has; else what there is.
std::string suggestion(const std::string &name, const std::vector<std::string> &names) {
  constexpr size_t kMostNamed = 12;
  const auto closest = std::min_element(names.begin(), names.end(), [&](const auto &a, const auto &b) {
    return distance(name, a) < distance(name, b);
  });
  if (closest == names.end() || distance(name, *closest) > std::min(1 + name.size() / 4, closest->size() - 1))
    return fmt::format("; its columns are {}{}", fmt::join(std::span(names).first(std::min(names.size(), kMostNamed)), ", "),
                       names.size() > kMostNamed ? ", ..." : "");
  return fmt::format("; did you mean '{}'?", *closest);
}

/// The column that an index or a name stands for; -1 if there is none.
int64_t find_column(const Json &column, const CsvReader &csv) {
  if (column.is_number_integer()) {
    const auto index = column.get<int64_t>();
    return index >= 0 && index < csv.columns() ? index : -1;
  }
  const auto &names = csv.names();
  const auto found = std::find(names.begin(), names.end(), column.get<std::string>());
  return found == names.end() ? -1 : found - names.begin();
}

int64_t require_column(const InputInfo &input, const Json &column, const CsvReader &csv) {
  const int64_t index = find_column(column, csv);
  if (column.is_string() && std::count(csv.names().begin(), csv.names().end(), column.get<std::string>()) > 1)
    throw Error(fmt::format("data of input '{}': several columns are called '{}'; give the number of the one you mean, which "
                            "counts from 0",
                            input.name, column.get<std::string>()));
  if (index >= 0)
    return index;
  if (column.is_number_integer())
    throw Error(fmt::format("data of input '{}': expected a column from 0 to {}, found {}", input.name,
                            csv.columns() - 1, column.dump()));
  const auto name = column.get<std::string>();
  if (csv.names().empty())
    throw Error(fmt::format("data of input '{}': column '{}' is wanted by name, but the file has no header row",
                            input.name, name));
  throw Error(fmt::format("data of input '{}': there is no column '{}'{}", input.name, name,
                          suggestion(name, csv.names())));
}

bool is_range(const Json &columns) {
  return columns.is_array() && columns.size() == 2 && columns[0].is_number_integer() &&
         columns[1].is_number_integer();
}

std::vector<int64_t> parse_columns(const InputInfo &input, const Json &json, const CsvReader &csv) {
  if (!json.contains("column") && !json.contains("columns"))
    throw Error(fmt::format("data of input '{}': expected \"column\", \"columns\" or \"path\"", input.name));
  const Json columns = json.contains("column") ? Json::array({json["column"]}) : json["columns"];
  std::vector<int64_t> found;
  if (is_range(columns)) {
    const int64_t first = require_column(input, columns[0], csv), last = require_column(input, columns[1], csv);
    for (int64_t c = first; c <= last; ++c)
      found.push_back(c);
  } else {
    for (const Json &column : columns)
      found.push_back(require_column(input, column, csv));
  }
  if (static_cast<int64_t>(found.size()) != input.elements())
    throw Error(fmt::format("data of input '{}': its shape has {} elements, but the number of columns is {}", input.name,
                            input.elements(), found.size()));
  return found;
}

template <class T> void append_as(double value, std::vector<char> &bytes) {
  const T element = static_cast<T>(value);
  const char *raw = reinterpret_cast<const char *>(&element);
  bytes.insert(bytes.end(), raw, raw + sizeof element);
}

} // namespace

Binding parse_binding(const InputInfo &input, const Json &json, const CsvReader *csv) try {
  Binding binding;
  binding.input = &input;
  binding.path = json.value("path", "");
  if (!binding.path.empty())
    return binding;
  if (!csv)
    throw Error(fmt::format("data of input '{}': columns need a CSV file; give train.data.path or --data", input.name));
  binding.columns = parse_columns(input, json, *csv);
  return binding;
} catch (const Json::exception &problem) {
  throw Error(fmt::format("data of input '{}': {}", input.name, problem.what()));
}

bool is_available(const Json &json, const CsvReader *csv) {
  if (json.contains("path"))
    return true;
  if (!csv)
    return false;
  const Json wanted =
      json.contains("column") ? Json::array({json["column"]}) : json.value("columns", Json::array());
  return std::all_of(wanted.begin(), wanted.end(), [&](const Json &c) { return find_column(c, *csv) >= 0; });
}

double label_index(const Binding &binding, const CsvReader &csv, const CsvCell &cell) {
  const std::vector<std::string> &labels = binding.input->labels;
  const auto found = std::find(labels.begin(), labels.end(), cell.text);
  if (found == labels.end())
    throw Error(fmt::format("{}: input '{}': expected one of the labels {}, found '{}'{}", csv.place(cell),
                            binding.input->name, fmt::join(labels, ", "), cell.text,
                            suggestion(std::string(cell.text), labels)));
  return static_cast<double>(found - labels.begin());
}

std::string interval(double least, double most) {
  if (std::isinf(most))
    return fmt::format("a number of at least {:.6g}", least);
  return fmt::format("a number from {:.6g} to {:.6g}", least, most);
}

std::string reason_against(const InputInfo &input, double value) {
  if (!std::isfinite(value))
    return fmt::format("expected a finite number, found {}", value);
  if (input.classes && (value != std::floor(value) || value < 0 || value >= static_cast<double>(*input.classes)))
    return fmt::format("expected a class from 0 to {}, found {}", *input.classes - 1, value);
  if (const auto &domain = input.domain; domain && !(value >= domain->least && value <= domain->most))
    return fmt::format("expected {}, found {}", interval(domain->least, domain->most), value);
  const auto whole_within = [value](double least, double beyond) {
    return value == std::floor(value) && value >= least && value < beyond;
  };
  bool fits = true;
  switch (input.dtype) {
  case GRADC_F32:
    fits = std::isfinite(static_cast<float>(value));
    break;
  case GRADC_I32:
    fits = whole_within(-0x1p31, 0x1p31);
    break;
  case GRADC_I64:
    fits = whole_within(-0x1p63, 0x1p63);
    break;
  case GRADC_BOOL:
    fits = whole_within(0, 2);
    break;
  default:
    break;
  }
  return fits ? "" : fmt::format("expected a value of type {}, found {}", dtype_name(input.dtype), value);
}

void append_value(const InputInfo &input, double value, std::vector<char> &bytes) {
  switch (input.dtype) {
  case GRADC_F32:
    return append_as<float>(value, bytes);
  case GRADC_F64:
    return append_as<double>(value, bytes);
  case GRADC_I32:
    return append_as<int32_t>(value, bytes);
  case GRADC_I64:
    return append_as<int64_t>(value, bytes);
  default:
    return append_as<uint8_t>(value, bytes);
  }
}

} // namespace gradc::runtime
