#include "compiler/checks/gradient_check.h"

#include "compiler/checks/element_index.h"

#include <algorithm>
#include <fmt/format.h>

namespace gradc {
namespace {

std::string kinks_text(const TensorCheck &tensor, const PlaceNames &place) {
  if (tensor.kinks == 0)
    return "";
  const std::string name = place(tensor.kink);
  return fmt::format("{} left out: at a kink{}", tensor.kinks, name.empty() ? "" : " of " + name);
}

} // namespace

std::string gradient_table(const std::vector<TensorCheck> &tensors, const PlaceNames &place) {
  std::vector<std::vector<std::string>> rows = {
      {"", "tensor", "layer", "elements", "checked", "error", "worst at", "gradient", "difference", ""}};
  for (const TensorCheck &t : tensors) {
    std::vector<std::string> row = {t.is_wrong() ? "wrong" : "", t.name, place(t.location),
                                    std::to_string(element_count(t.shape)), std::to_string(t.checked)};
    if (t.checked > 0)
      row.insert(row.end(), {fmt::format("{:.1e}", t.worst.error), to_string(index_of(t.shape, t.worst.element)),
                             fmt::format("{:.8g}", t.worst.gradient), fmt::format("{:.8g}", t.worst.difference)});
    row.resize(9);
    row.push_back(kinks_text(t, place));
    rows.push_back(std::move(row));
  }
  std::string text;
  std::vector<size_t> widths(rows[0].size(), 0);
  for (const std::vector<std::string> &row : rows)
    for (size_t c = 0; c < row.size(); ++c)
      widths[c] = std::max(widths[c], row[c].size());
  for (const std::vector<std::string> &row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c)
      if (widths[c] > 0)
        line += fmt::format("{:<{}}  ", row[c], widths[c]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

} // namespace gradc
