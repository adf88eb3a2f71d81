#include "tests/support/difference.h"

#include "tests/support/text_file.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <sstream>

namespace gradc::tests {
namespace {

using Lines = std::vector<std::string>;
constexpr size_t kContext = 3;
constexpr size_t kFirstLines = 40, kLastLines = 8; // of a text
constexpr size_t kLineLength = 400;
constexpr size_t kMaxTable = 4'000'000; // entries; beyond, lines are compared one by one

Lines lines_of(const std::string &text) {
  std::istringstream stream(text);
  Lines lines;
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

/// ' ', '-' or '+' and a line of one text or of both.
struct Edit {
  char sign;
  std::string line;
};

/// A shortest way from one to the other, by the lengths of the longest common subsequences of all their ends.
std::vector<Edit> edits(const Lines &a, const Lines &b) {
  std::vector<Edit> result;
  const size_t width = b.size() + 1;
  const bool small = (a.size() + 1) * width <= kMaxTable;
  std::vector<uint32_t> common(small ? (a.size() + 1) * width : 0, 0);
  if (small)
    for (size_t i = a.size(); i-- > 0;)
      for (size_t j = b.size(); j-- > 0;)
        common[i * width + j] = a[i] == b[j] ? common[(i + 1) * width + j + 1] + 1
                                             : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
  size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      result.push_back({' ', a[i]});
      ++i, ++j;
      continue;
    }
    const bool drop = i < a.size() && (j == b.size() || !small || common[(i + 1) * width + j] >= common[i * width + j + 1]);
    const bool insert = j < b.size() && (!drop || !small);
    if (drop)
      result.push_back({'-', a[i++]});
    if (insert)
      result.push_back({'+', b[j++]});
  }
  return result;
}

std::string plural(size_t n, const std::string &what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

std::string clipped_line(const std::string &line) {
  if (line.size() <= kLineLength)
    return line;
  return line.substr(0, kLineLength) + "... (" + std::to_string(line.size()) + " characters)";
}

} // namespace

std::string text_difference(const std::string &expected, const std::string &actual) {
  if (expected == actual)
    return "";
  const std::vector<Edit> all = edits(lines_of(expected), lines_of(actual));
  std::string text = "- expected\n+ actual\n";
  if (lines_of(expected) == lines_of(actual))
    text += "only one of them ends with a line end\n";
  size_t shown = 0, line = 0; // of the edits; of the expected text
  for (size_t i = 0; i < all.size(); ++i) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(i < kContext ? 0 : i - kContext);
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), i + kContext + 1));
    line += all[i].sign != '+';
    if (std::none_of(begin, end, [](const Edit &e) { return e.sign != ' '; }))
      continue;
    if (i == 0 || shown != i)
      text += "@ line " + std::to_string(std::max<size_t>(line, 1)) + "\n";
    text += std::string(1, all[i].sign) + " " + all[i].line + "\n";
    shown = i + 1;
  }
  return clipped(text);
}

void check_same_text(const std::string &expected, const std::string &actual) {
  if (expected == actual)
    SUCCEED();
  else
    FAIL_CHECK("the text differs\n" << text_difference(expected, actual));
}

std::string element_difference(const Tensor &expected, const Tensor &actual, const std::vector<int64_t> &wrong) {
  constexpr size_t kNamed = 12;
  std::string text = plural(wrong.size(), "element") + " of " + std::to_string(expected.type.elements()) + " in " +
                     to_string(expected.type) + (wrong.size() == 1 ? " is" : " are") + " wrong: number ";
  for (size_t i = 0; i < std::min(wrong.size(), kNamed); ++i)
    text += (i ? ", " : "") + std::to_string(wrong[i]);
  if (wrong.size() > kNamed)
    text += ", ..., " + std::to_string(wrong.back());
  return text + "; the first is " + element_text(actual, wrong[0]) + " instead of " + element_text(expected, wrong[0]);
}

std::string clipped(const std::string &text) {
  const Lines lines = lines_of(text);
  std::string result;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines.size() > kFirstLines + kLastLines + 1 && i == kFirstLines) {
      i = lines.size() - kLastLines;
      result += "... (" + std::to_string(i - kFirstLines) + " lines)\n";
    }
    result += clipped_line(lines[i]) + "\n";
  }
  if (!result.empty() && (text.empty() || text.back() != '\n'))
    result.pop_back();
  return result;
}

} // namespace gradc::tests
