// "Did you mean": edit distance and the nearest candidate.
#include "ir/suggest.h"

#include <algorithm>
#include <vector>

namespace gradc {

static char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

size_t edit_distance(std::string_view a, std::string_view b) {
  // rows[i%3][j] is the distance between the first i characters of a and the first j of b.
  std::vector<size_t> rows[3];
  for (auto &row : rows)
    row.resize(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    auto &row = rows[i % 3];
    const auto &above = rows[(i + 2) % 3];
    const auto &above_two = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t change = above[j - 1] + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, change});
      bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped)
        row[j] = std::min(row[j], above_two[j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

std::string_view closest(std::string_view name, std::span<const std::string_view> candidates) {
  constexpr size_t longest_name = 256; // an unbounded name would make the quadratic distance a trap
  std::string_view best;
  size_t best_distance = ~size_t{0};
  if (name.size() > longest_name)
    return best;
  for (std::string_view candidate : candidates) {
    const size_t shorter = std::min(name.size(), candidate.size()), longer = std::max(name.size(), candidate.size());
    const size_t allowed = std::max<size_t>(1, longer / 3);
    if (longer - shorter > std::min(allowed, best_distance)) // as many insertions at least
      continue;
    size_t distance = edit_distance(name, candidate);
    if (distance <= allowed && distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates) {
  std::string_view best = closest(name, candidates);
  return best.empty() ? "" : "; did you mean '" + std::string(best) + "'?";
}

} // namespace gradc
