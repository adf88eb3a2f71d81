// Reads the per-input objects of "data"; see binding.h.
#include "runtime/train/data/binding.h"

#include "runtime/gradc.h"
#include "runtime/train/error.h"
#include "runtime/train/io/file.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace gradc::runtime {
namespace {

using Json = nlohmann::json;

template <class T> void append_as(double value, std::vector<char> &bytes) {
  const T element = static_cast<T>(value);
  const char *raw = reinterpret_cast<const char *>(&element);
  bytes.insert(bytes.end(), raw, raw + sizeof element);
}

} // namespace

Binding parse_binding(const InputInfo &input, const Json &entry, const DataFile &file) try {
  Binding binding{&input, entry.value("path", ""), entry.value("array", input.name), {}};
  if (!binding.path.empty())
    return binding;
  if (!file.csv && !file.arrays)
    throw Error(fmt::format("data of input '{}': of which file? give data.path, or the input a \"path\" of its own", input.name));
  if (file.csv)
    binding.columns = columns_of(input, entry, *file.csv);
  else if (entry.contains("column") || entry.contains("columns"))
    throw Error(fmt::format("data of input '{}': columns are those of a CSV file, but '{}' holds arrays", input.name, file.path));
  return binding;
} catch (const Json::exception &problem) {
  throw Error(fmt::format("data of input '{}': {}", input.name, problem.what()));
}

double label_index(const Binding &binding, const CsvReader &csv, const CsvCell &cell) {
  const std::vector<std::string> &labels = binding.input->labels;
  const auto found = std::find(labels.begin(), labels.end(), cell.text);
  if (found == labels.end())
    throw Error(fmt::format("{}: input '{}': expected one of the labels {}, found {}{}", csv.place(cell), binding.input->name,
                            listed(labels), cell.text.empty() ? "an empty cell" : "'" + excerpt(cell.text) + "'",
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
  if (input.ignored && value == static_cast<double>(*input.ignored))
    return "";
  if (input.classes && (value != std::floor(value) || value < 0 || value >= static_cast<double>(*input.classes)))
    return fmt::format("expected a class from 0 to {}{}, found {}", *input.classes - 1,
                       input.ignored ? fmt::format(" or {}", *input.ignored) : "", value);
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
