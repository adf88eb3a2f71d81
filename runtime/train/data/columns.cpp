// Finds columns; see columns.h.
#include "runtime/train/data/columns.h"

#include "runtime/train/error.h"
#include "runtime/train/io/file.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>

namespace gradc::runtime {
namespace {

using Json = nlohmann::json;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Levenshtein distance without regard to case, for suggestions; what is too long for a name is far from everything.
size_t distance(const std::string &a, const std::string &b) {
  constexpr size_t kLongestName = 256, kFar = 1000;
  if (std::max(a.size(), b.size()) > kLongestName)
    return kFar;
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

[[noreturn]] void fail(const CsvReader &csv, const InputInfo &input, const std::string &what) {
  throw Error(fmt::format("{}: input '{}': {}", csv.first_place(), input.name, what));
}

/// What the entry lists: positions and names. Two positions are [first, last], unless the input has two elements.
std::vector<Json> wanted_columns(const InputInfo &input, const Json &entry) {
  if (entry.contains("column"))
    return {entry["column"]};
  if (!entry.contains("columns"))
    throw Error(fmt::format("data of input '{}': expected \"column\", \"columns\" or \"path\"", input.name));
  const auto wanted = entry.at("columns").get<std::vector<Json>>();
  const bool range = wanted.size() == 2 && wanted[0].is_number_integer() && wanted[1].is_number_integer();
  if (!range || input.elements() == 2)
    return wanted;
  const auto first = wanted[0].get<int64_t>(), last = wanted[1].get<int64_t>();
  if (first < 0 || last < first || last - first != input.elements() - 1)
    throw Error(fmt::format("data of input '{}': its shape has {} elements, but the columns {} to {} are another number", input.name,
                            input.elements(), first, last));
  std::vector<Json> columns;
  for (int64_t column = first; column <= last; ++column)
    columns.emplace_back(column);
  return columns;
}

int64_t find_named(const InputInfo &input, const std::string &name, const CsvReader &csv) {
  const std::vector<std::string> &names = csv.names();
  if (names.empty())
    fail(csv, input, fmt::format("column '{}' is wanted by name, but with \"header\": false the file names none", name));
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    const std::string hint = suggestion(name, names), cure = csv.likely_cure();
    fail(csv, input, fmt::format("there is no column '{}'{}", name,
                                 !cure.empty() ? cure : !hint.empty() ? hint : "; there are " + listed(names)));
  }
  if (const auto other = std::find(found + 1, names.end(), name); other != names.end())
    fail(csv, input, fmt::format("two columns are named '{}', columns {} and {}; rename one, or ask for it by its position", name,
                                 found - names.begin(), other - names.begin()));
  return found - names.begin();
}

int64_t find_column(const InputInfo &input, const Json &column, const CsvReader &csv) {
  if (!column.is_number_integer())
    return find_named(input, column.get<std::string>(), csv);
  const auto index = column.get<int64_t>();
  if (index < 0 || index >= csv.columns())
    fail(csv, input, fmt::format("column {} is wanted, counted from 0, but the first row has {}{}", index, csv.first_row(), csv.likely_cure()));
  return index;
}

/// How the cells of the first row fit what columns that are asked for by position hold.
struct FirstRow {
  size_t fits = 0, no_numbers = 0, no_labels = 0;
  std::string_view odd; // one of those that do not fit

  void look_at(const std::string_view text, const std::vector<std::string> &labels) {
    const bool number = labels.empty();
    if (number ? CsvReader::is_number(text) : !suggestion(std::string(text), labels).empty()) // a label, if a misspelt one
      ++fits;
    else if (!text.empty()) // a value that is missing says nothing
      ++(number ? no_numbers : no_labels), odd = text;
  }
};

/// "0,1,2" or ",0,1,2", as tables without names are written.
bool counts_columns(const std::vector<CsvCell> &cells) {
  const size_t first = cells[0].text.empty() ? 1 : 0;
  for (size_t i = first; i < cells.size(); ++i)
    if (cells[i].text != std::to_string(i - first))
      return false;
  return cells.size() > first + 1;
}

} // namespace

std::string suggestion(const std::string &name, const std::vector<std::string> &names) {
  const auto closest = std::min_element(names.begin(), names.end(), [&](const auto &a, const auto &b) {
    return distance(name, a) < distance(name, b);
  });
  if (closest == names.end())
    return "";
  const size_t changes = distance(name, *closest);
  if (changes >= name.size() || changes > 1 + name.size() / 4)
    return "";
  return fmt::format("; did you mean '{}'?", *closest);
}

std::string listed(const std::vector<std::string> &names) {
  constexpr size_t kMost = 8;
  std::vector<std::string> some;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i)
    some.push_back(fmt::format("'{}'", excerpt(names[i])));
  return fmt::format("{}{}", fmt::join(some, ", "), names.size() > kMost ? fmt::format(" and {} more", names.size() - kMost) : "");
}

std::vector<int64_t> columns_of(const InputInfo &input, const Json &entry, const CsvReader &csv) {
  std::vector<int64_t> found;
  for (const Json &column : wanted_columns(input, entry))
    found.push_back(find_column(input, column, csv));
  if (static_cast<int64_t>(found.size()) != input.elements())
    throw Error(fmt::format("data of input '{}': its shape has {} elements, but the number of columns is {}", input.name,
                            input.elements(), found.size()));
  return found;
}

std::string decide_header(CsvReader &csv, const Json &data, const std::vector<ColumnUse> &uses) {
  if (data.contains("header") && data["header"].is_boolean()) {
    if (data["header"].get<bool>())
      csv.take_names();
    return "";
  }
  bool named = false;
  FirstRow row;
  for (const ColumnUse &use : uses)
    for (const Json &column : wanted_columns(*use.input, *use.entry))
      if (!column.is_number_integer())
        named = true;
      else if (const auto at = column.get<int64_t>(); at >= 0 && at < csv.columns())
        row.look_at(csv.cells()[static_cast<size_t>(at)].text, use.input->labels);
  std::string doubt;
  if (!named && row.no_numbers + row.no_labels > 0 && (row.fits > 0 || row.no_numbers == 0))
    doubt = fmt::format("{}: the first row is taken as the names of the columns, as '{}' is {}; if it is an example, give \"header\": "
                        "false", csv.first_place(), excerpt(row.odd), row.no_numbers > 0 ? "no number" : "none of the labels");
  if (!named && row.no_numbers + row.no_labels == 0 && counts_columns(csv.cells()))
    doubt = fmt::format("{}: the first row counts the columns and is taken as an example; if it names them, give \"header\": true",
                        csv.first_place());
  if (named || row.no_numbers + row.no_labels > 0)
    csv.take_names();
  return doubt;
}

} // namespace gradc::runtime
