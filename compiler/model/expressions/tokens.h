// The text of an expression as tokens: numbers, names and symbols, each with its place.
#pragma once

#include "compiler/model/expressions/expression.h"

namespace gradc {

struct Token {
  enum class Kind : uint8_t { number, name, symbol, end };
  Kind kind = Kind::end;
  std::string_view text; // of the expression
  size_t begin = 0;
  double number = 0;

  size_t end() const { return begin + text.size(); }
  bool is(std::string_view symbol) const { return kind == Kind::symbol && text == symbol; }
};

/// The last token is the end. A symbol is one that expressions have, or a single character that they do not. Throws
/// ExpressionError for a number that is out of the range of f32.
std::vector<Token> tokens_of(std::string_view text);

} // namespace gradc
