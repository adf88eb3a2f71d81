#include "compiler/model/expressions/tokens.h"

#include "compiler/model/json/characters.h"

#include <cctype>
#include <charconv>
#include <limits>

namespace gradc {
namespace {

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Parts of letters, digits and _, with dots between them: stage2.1.conv.
size_t name_length(std::string_view text) {
  const auto in_part = [&](size_t at) { return at < text.size() && (is_letter(text[at]) || is_digit(text[at])); };
  size_t end = 0;
  while (in_part(end) || (end > 0 && end < text.size() && text[end] == '.' && in_part(end + 1)))
    ++end;
  return end;
}

size_t symbol_length(std::string_view text) {
  for (std::string_view symbol : {"**", "<=", ">=", "==", "!="})
    if (text.starts_with(symbol))
      return symbol.size();
  size_t end = 1;
  while (end < text.size() && continues_character(text[end]))
    ++end;
  return end;
}

Token number_at(std::string_view rest, size_t begin) {
  Token token{Token::Kind::number, {}, begin};
  const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), token.number);
  token.text = rest.substr(0, static_cast<size_t>(end - rest.data()));
  if (problem == std::errc::result_out_of_range || token.number > std::numeric_limits<float>::max())
    throw ExpressionError("the number " + shortened(token.text, 40) + " is out of the range of f32", begin, token.end());
  return token;
}

} // namespace

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  size_t at = 0;
  for (;;) {
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at])))
      ++at;
    if (at == text.size())
      break;
    const std::string_view rest = text.substr(at);
    if (is_digit(rest[0]) || (rest[0] == '.' && rest.size() > 1 && is_digit(rest[1])))
      tokens.push_back(number_at(rest, at));
    else if (is_letter(rest[0]))
      tokens.push_back({Token::Kind::name, rest.substr(0, name_length(rest)), at});
    else
      tokens.push_back({Token::Kind::symbol, rest.substr(0, symbol_length(rest)), at});
    at = tokens.back().end();
  }
  tokens.push_back({Token::Kind::end, text.substr(at), at});
  return tokens;
}

} // namespace gradc
