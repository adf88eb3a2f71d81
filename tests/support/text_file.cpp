// Reading, comparing and rewriting text tests.
#include "tests/support/text_file.h"

#include "ir/error.h"
#include "ir/text/lexer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <utility>

namespace gradc {

static bool bless_requested = false;
bool blessing() { return bless_requested; }
void set_blessing(bool on) { bless_requested = on; }

static std::string read_all(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file)
    throw std::runtime_error("cannot read " + path.string());
  return text.str();
}

static std::string after(const std::string &line, std::string_view prefix) {
  size_t begin = line.find_first_not_of(" \t", prefix.size());
  return begin == line.npos ? "" : line.substr(begin);
}

static std::vector<std::string> split_words(const std::string &list) {
  std::vector<std::string> words;
  std::string word;
  for (char c : list + ",")
    if (c != ',')
      word += c == ' ' ? "" : std::string(1, c);
    else if (!word.empty())
      words.push_back(std::exchange(word, ""));
  return words;
}

TextFile read_text_file(const std::filesystem::path &path) {
  TextFile file;
  file.path = path;
  std::istringstream lines(read_all(path));
  bool expectation = false;
  for (std::string line; std::getline(lines, line);) {
    expectation |= line.starts_with("// expect:") || line.starts_with("// error:") || line.starts_with("// get ");
    (expectation ? file.expected : file.input) += line + "\n";
    if (line.starts_with("// run:"))
      file.run = split_words(after(line, "// run:"));
    else if (line.starts_with("// set "))
      file.settings.push_back(after(line, "// set "));
  }
  if (file.run.empty())
    throw std::runtime_error("expected a line '// run: ...'");
  return file;
}

std::vector<std::filesystem::path> text_files(const std::filesystem::path &folder) {
  std::vector<std::filesystem::path> paths;
  if (std::filesystem::exists(folder))
    for (const auto &entry : std::filesystem::recursive_directory_iterator(folder))
      if (entry.path().extension() == ".gradc")
        paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

void bless(const TextFile &file, const std::string &actual) {
  std::ofstream(file.path, std::ios::binary) << file.input << actual;
}

// A bool is written 0 or 1.
static void read_element(Lexer &lex, Tensor &tensor, int64_t flat) {
  auto value = lex.integer_or_number("a number");
  if (auto *integer = std::get_if<int64_t>(&value))
    tensor.set_integer(flat, *integer);
  else
    tensor.set(flat, std::get<double>(value));
}

static Tensor read_values(Lexer &lex, const Type &type) {
  Tensor tensor(type);
  if (!lex.accept("[")) {
    Lexer value = lex;
    for (int64_t i = 0; i < type.elements(); ++i) {
      lex = value;
      read_element(lex, tensor, i);
    }
    return tensor;
  }
  for (int64_t i = 0; i < type.elements(); ++i) {
    if (i > 0)
      lex.expect(",");
    read_element(lex, tensor, i);
  }
  lex.expect("]");
  return tensor;
}

Tensor parse_values(const Type &type, std::string_view text) {
  Lexer lex(text, Lexer::Lines::significant);
  Tensor tensor = read_values(lex, type);
  lex.end_line();
  return tensor;
}

Bindings bindings_from(const Graph &graph, const std::vector<std::string> &settings) {
  Bindings bindings;
  for (const std::string &line : settings) {
    Lexer lex(line, Lexer::Lines::significant);
    lex.expect("%");
    std::string name(lex.name("a name"));
    std::optional<Value> v = graph.find(name);
    if (!v)
      throw Error("set: %" + name + " is not declared");
    lex.expect("=");
    bindings.insert_or_assign(name, read_values(lex, graph.type(*v)));
    lex.end_line();
  }
  return bindings;
}

std::string element_text(const Tensor &tensor, int64_t flat) {
  auto i = static_cast<size_t>(flat);
  if (!is_float(tensor.type.dtype))
    return std::to_string(tensor.integers[i]);
  double value = tensor.floats[i];
  if (tensor.type.dtype == DType::f64 || std::isnan(value))
    return number_text(value);
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, static_cast<float>(value)).ptr};
}

std::string values_text(const Tensor &tensor) {
  if (tensor.type.rank() == 0)
    return element_text(tensor, 0);
  std::string text;
  for (int64_t i = 0; i < tensor.type.elements(); ++i)
    text += (i ? ", " : "") + element_text(tensor, i);
  return "[" + text + "]";
}

static bool same_number(double actual, double expected, double tolerance, double smallest_normal) {
  if (std::isnan(expected) || std::isnan(actual))
    return std::isnan(expected) && std::isnan(actual);
  if (std::isinf(expected) || std::isinf(actual))
    return expected == actual;
  if (expected == 0 && actual == 0)
    return std::signbit(expected) == std::signbit(actual);
  double scale = std::max({std::abs(expected), std::abs(actual), smallest_normal});
  return std::abs(actual - expected) <= tolerance * scale;
}

bool same_element(const Tensor &actual, const Tensor &expected, int64_t flat, double tolerance) {
  const auto i = static_cast<size_t>(flat);
  if (!is_float(actual.type.dtype))
    return actual.integers[i] == expected.integers[i];
  double smallest_normal = actual.type.dtype == DType::f32 ? double{std::numeric_limits<float>::min()}
                                                           : std::numeric_limits<double>::min();
  return same_number(actual.floats[i], expected.floats[i], tolerance, smallest_normal);
}

bool same_values(const Tensor &actual, const Tensor &expected, double tolerance) {
  if (actual.type != expected.type)
    return false;
  for (int64_t i = 0; i < expected.type.elements(); ++i)
    if (!same_element(actual, expected, i, tolerance))
      return false;
  return true;
}

} // namespace gradc
