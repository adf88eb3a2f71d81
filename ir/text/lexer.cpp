// Scanning and writing names, numbers, strings and places: the words of both text forms.
#include "ir/text/lexer.h"

#include "ir/error.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace gradc {

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_identifier_character(char c) { return is_letter(c) || is_digit(c); }
static bool is_name_character(char c) { return is_identifier_character(c) || c == '.' || c == '-'; }
static bool is_location_character(char c) { return is_name_character(c) || c == '/' || c == '~'; }
static bool is_number_character(char c) { return is_identifier_character(c) || c == '.'; }

void Lexer::skip(bool lines) {
  for (; at_ < text_.size(); ++at_) {
    char c = text_[at_];
    if (c == '#' || text_.substr(at_, 2) == "//") {
      at_ = std::min(text_.find('\n', at_), text_.size());
      if (at_ == text_.size() || !lines)
        return;
    } else if (c != ' ' && c != '\t' && c != '\r' && !(c == '\n' && lines)) {
      return;
    }
  }
}

size_t Lexer::offset() {
  skip(lines_ == Lines::free);
  return at_;
}

bool Lexer::at_line_end() { return offset() == text_.size() || text_[at_] == '\n' || text_[at_] == '}'; }

void Lexer::skip_lines() { skip(true); }

void Lexer::end_line() {
  if (!at_line_end())
    fail_expected("the end of the line");
}

bool Lexer::peek(std::string_view symbol) { return text_.substr(offset(), symbol.size()) == symbol; }

bool Lexer::accept(std::string_view symbol) {
  if (!peek(symbol))
    return false;
  at_ += symbol.size();
  return true;
}

void Lexer::expect(std::string_view symbol) {
  if (!accept(symbol))
    fail_expected("'" + std::string(symbol) + "'");
}

bool Lexer::accept_word(std::string_view word) {
  if (!peek(word))
    return false;
  size_t end = at_ + word.size();
  if (end < text_.size() && is_identifier_character(text_[end]))
    return false;
  at_ = end;
  return true;
}

void Lexer::fail_expected(std::string_view what) {
  size_t here = offset();
  std::string got = "the end of the text";
  if (here < text_.size() && text_[here] == '\n')
    got = "the end of the line";
  else if (here < text_.size()) {
    size_t end = here;
    while (end < text_.size() && end - here < 32 && is_name_character(text_[end]))
      ++end;
    if (end == here) // one character, whose further bytes are 10xxxxxx in UTF-8
      for (++end; end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0) == 0x80;)
        ++end;
    got = "'" + std::string(text_.substr(here, end - here)) + "'";
  }
  fail("expected " + std::string(what) + ", got " + got, here);
}

bool Lexer::at_identifier() { return offset() < text_.size() && is_letter(text_[at_]); }

bool Lexer::at_number() {
  std::string_view rest = text_.substr(offset());
  if (rest.starts_with('-'))
    rest.remove_prefix(1);
  if (!rest.empty() && is_digit(rest[0]))
    return true;
  bool word = rest.starts_with("inf") || rest.starts_with("nan");
  return word && (rest.size() == 3 || !is_identifier_character(rest[3]));
}

std::string_view Lexer::identifier(std::string_view what) {
  if (!at_identifier())
    fail_expected(what);
  size_t begin = at_;
  while (at_ < text_.size() && is_identifier_character(text_[at_]))
    ++at_;
  return text_.substr(begin, at_ - begin);
}

std::string_view Lexer::name(std::string_view what) {
  size_t begin = offset();
  while (at_ < text_.size() && is_name_character(text_[at_]))
    ++at_;
  if (at_ == begin)
    fail_expected(what);
  return text_.substr(begin, at_ - begin);
}

std::string Lexer::word(std::string_view what) { return accept("\"") ? string() : std::string(name(what)); }

int Lexer::hex_digit() {
  char c = at_ < text_.size() ? text_[at_] : '\0';
  int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  if (digit < 0)
    fail("expected a hexadecimal digit", at_);
  ++at_;
  return digit;
}

char Lexer::escape() {
  char c = at_ < text_.size() ? text_[at_] : '\0';
  if (c == 'x') {
    ++at_;
    int high = hex_digit();
    return static_cast<char>(high * 16 + hex_digit());
  }
  constexpr std::string_view codes = "\"\\ntr", meanings = "\"\\\n\t\r";
  size_t code = codes.find(c);
  if (code == codes.npos)
    fail("unknown escape; expected \\\", \\\\, \\n, \\t, \\r or \\x and two digits", at_);
  ++at_;
  return meanings[code];
}

std::string Lexer::string() {
  size_t begin = at_ - 1;
  std::string result;
  while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n') {
    char c = text_[at_++];
    result += c == '\\' ? escape() : c;
  }
  if (at_ == text_.size() || text_[at_] != '"')
    fail("the string is not closed", begin);
  ++at_;
  return result;
}

std::string Lexer::location() {
  if (accept("\""))
    return string();
  size_t begin = at_;
  while (at_ < text_.size() && is_location_character(text_[at_]))
    ++at_;
  if (at_ == begin || text_[begin] != '/')
    fail("expected a place such as @/layers/0", begin);
  return std::string(text_.substr(begin, at_ - begin));
}

std::string_view Lexer::number_text(std::string_view what) {
  if (!at_number())
    fail_expected(what);
  size_t begin = at_;
  bool exponent = false;
  ++at_;
  while (at_ < text_.size()) {
    char c = text_[at_];
    if (c == '.' && text_.substr(at_, 2) == "..")
      break;
    if (!is_number_character(c) && !(exponent && (c == '-' || c == '+')))
      break;
    exponent = c == 'e' || c == 'E';
    ++at_;
  }
  return text_.substr(begin, at_ - begin);
}

int64_t Lexer::integer(std::string_view what) {
  size_t begin = offset();
  std::string_view text = number_text(what);
  int64_t value = 0;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status == std::errc::result_out_of_range)
    fail("the integer is too large", begin);
  if (status != std::errc() || end != text.data() + text.size())
    fail("expected " + std::string(what) + ", got '" + std::string(text) + "'", begin);
  return value;
}

double Lexer::number(std::string_view what) {
  size_t begin = offset();
  std::string_view text = number_text(what);
  double value = 0;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status == std::errc::result_out_of_range)
    fail("the number is out of the range of f64", begin);
  if (status != std::errc() || end != text.data() + text.size())
    fail("'" + std::string(text) + "' is not a number", begin);
  return value;
}

std::variant<int64_t, double> Lexer::integer_or_number(std::string_view what) {
  size_t begin = offset();
  std::string_view text = number_text(what);
  int64_t value = 0;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status == std::errc() && end == text.data() + text.size() && text != "-0")
    return value;
  at_ = begin;
  return number(what);
}

Type Lexer::type() {
  size_t begin = offset();
  std::string_view name = identifier("a type such as f32[2,3]");
  std::optional<DType> dtype = parse_dtype(name);
  if (!dtype)
    fail("unknown dtype '" + std::string(name) + "'; expected f32, f64, i32, i64 or bool", begin);
  Type result{*dtype, {}};
  expect("[");
  if (!accept("]")) {
    do {
      if (result.shape.size() > kMaxRank)
        fail("a shape has at most " + std::to_string(kMaxRank) + " dimensions");
      result.shape.push_back(integer("a dimension"));
    } while (accept(","));
    expect("]");
  }
  try {
    check_shape(result.shape);
  } catch (const Error &e) {
    fail(e.what(), begin);
  }
  return result;
}

std::string number_text(double value) {
  if (std::isnan(value))
    return "nan";
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

std::string quoted(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string result = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      result += std::string("\\") + c;
    else if (c == '\n')
      result += "\\n";
    else if (byte < 32 || byte == 127)
      result += std::string("\\x") + digits[byte / 16] + digits[byte % 16];
    else
      result += c;
  }
  return result + "\"";
}

std::string word_text(std::string_view text) {
  bool plain = !text.empty() && std::all_of(text.begin(), text.end(), is_name_character);
  return plain ? std::string(text) : quoted(text);
}

std::string location_text(std::string_view location) {
  if (location.empty())
    return "";
  bool plain = location[0] == '/' && location.find("//") == location.npos &&
               std::all_of(location.begin(), location.end(), is_location_character);
  return " @" + (plain ? std::string(location) : quoted(location));
}

} // namespace gradc
