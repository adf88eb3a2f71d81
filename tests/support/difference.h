// Differences as a reader wants them: what is not the same, with little around it, however large the whole is.
#pragma once

#include "ir/tensor.h"

#include <string>

namespace gradc::tests {

/// The lines that differ, each with a few around it, as `diff -u` shows them: - is expected, + is what there is. Empty when the
/// texts are equal.
std::string text_difference(const std::string &expected, const std::string &actual);
/// Fails with the difference, if there is one.
void check_same_text(const std::string &expected, const std::string &actual);

/// How many elements are wrong, the first of them with both values, and where the others are. `wrong(i)` says it of element i;
/// empty when it does of none.
template <typename Wrong> std::string element_difference(const Tensor &expected, const Tensor &actual, Wrong wrong);
std::string element_difference(const Tensor &expected, const Tensor &actual, const std::vector<int64_t> &wrong);

/// The first lines and the last ones of a long text, and the beginnings of long lines.
std::string clipped(const std::string &text);

template <typename Wrong> std::string element_difference(const Tensor &expected, const Tensor &actual, Wrong wrong) {
  std::vector<int64_t> which;
  for (int64_t i = 0; i < expected.type.elements(); ++i)
    if (wrong(i))
      which.push_back(i);
  return which.empty() ? "" : element_difference(expected, actual, which);
}

} // namespace gradc::tests
