// A text test: directives and input, then what is expected. The format is told in tests/README.md.
#pragma once

#include "ir/interpreter.h"

#include <filesystem>
#include <string>
#include <vector>

namespace gradc {

struct TextFile {
  std::filesystem::path path;
  std::vector<std::string> run;      // the words of "// run:"
  std::vector<std::string> settings; // the lines "// set %x = ..."
  std::string input;                 // everything before the expectation, directives included, so that places fit
  std::string expected;              // from the first line "// expect:", "// error:" or "// get" to the end
};

/// Throws std::runtime_error when it cannot be read or has no "// run:" line.
TextFile read_text_file(const std::filesystem::path &);
/// All *.gradc files under `folder`, sorted.
std::vector<std::filesystem::path> text_files(const std::filesystem::path &folder);
/// Writes `actual` in the place of the expectation.
void bless(const TextFile &, const std::string &actual);

bool blessing();
void set_blessing(bool);

/// Values for the declarations of `graph` from lines "%x = [1, -0, inf]" or, for all elements, "%x = 0.5".
Bindings bindings_from(const Graph &graph, const std::vector<std::string> &settings);
/// "[1, -0, inf]", or a bare number for rank 0: shortest decimals of the dtype.
std::string values_text(const Tensor &);
/// One element of it.
std::string element_text(const Tensor &, int64_t flat);
/// Reads what values_text wrote.
Tensor parse_values(const Type &type, std::string_view text);

/// Whether element `flat` of `actual` is that of `expected`: NaNs, infinities, integers and the signs of zeros exactly, other numbers within
/// `tolerance`, relative to the larger of the two and to the smallest normal number of the dtype.
bool same_element(const Tensor &actual, const Tensor &expected, int64_t flat, double tolerance);
/// Whether the types are the same and all elements are.
bool same_values(const Tensor &actual, const Tensor &expected, double tolerance);

} // namespace gradc
