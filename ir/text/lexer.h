// Scanning shared by the graph parser and the kernel parser: characters to names, numbers, strings and places, with
// comments skipped. What a character means depends on where it stands, so there are no tokens: a parser asks for what
// it expects. Every failure is a TextError at the offending byte.
#pragma once

#include "ir/attr.h"
#include "ir/text/text.h"

#include <type_traits>

namespace gradc {

class Lexer {
public:
  enum class Lines : uint8_t { significant, free };
  explicit Lexer(std::string_view text, Lines lines) : text_(text), lines_(lines) {}

  /// Offset of the next thing, after blanks, comments and, where lines are free, line ends.
  size_t offset();
  bool at_end() { return offset() == text_.size(); }
  bool at_line_end();
  /// Skips line ends too, whatever they mean.
  void skip_lines();
  /// Requires that the line, or the block with '}', ends here.
  void end_line();

  bool peek(std::string_view symbol);
  bool accept(std::string_view symbol);
  void expect(std::string_view symbol);
  /// A whole word: `in` is not accepted where `input` stands.
  bool accept_word(std::string_view word);

  bool at_identifier();
  bool at_number(); // digit, '-' and a digit, inf, nan
  std::string_view identifier(std::string_view what); // [A-Za-z_][A-Za-z0-9_]*
  std::string_view name(std::string_view what);       // [A-Za-z0-9_.-]+
  std::string word(std::string_view what);            // a name or a quoted string
  std::string string();                               // with escapes, after the opening quote is seen
  std::string location();                             // after '@': /layers/0 or a quoted string
  int64_t integer(std::string_view what);
  double number(std::string_view what);
  /// int64_t where the text is an integer that fits, and is not -0; double otherwise.
  std::variant<int64_t, double> integer_or_number(std::string_view what);
  Type type();

  [[noreturn]] void fail(const std::string &message) { fail(message, offset()); }
  [[noreturn]] void fail(const std::string &message, size_t offset) const { throw TextError(message, offset); }
  /// Calls `make`, and fails at `offset` with the message of an Error that it throws.
  template <typename Make> std::invoke_result_t<Make> checked(size_t offset, Make make) const {
    try {
      return make();
    } catch (const Error &e) {
      fail(e.what(), offset);
    }
  }
  /// "expected X, got Y" at the current place.
  [[noreturn]] void fail_expected(std::string_view what);

private:
  void skip(bool lines);
  std::string_view number_text(std::string_view what);
  char escape();
  int hex_digit();

  std::string_view text_;
  Lines lines_;
  size_t at_ = 0;
};

/// Shortest decimal that reads back as `value`; nan, inf, -inf.
std::string number_text(double value);
/// In double quotes; quotes, backslashes and control characters escaped.
std::string quoted(std::string_view);
/// As it stands where Lexer::word reads it back, quoted otherwise.
std::string word_text(std::string_view);
/// " @/layers/0", or "" for no place.
std::string location_text(std::string_view);

} // namespace gradc
