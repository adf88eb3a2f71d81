#include "ir/subscripts.h"

#include "ir/error.h"

#include <algorithm>

namespace gradc {

namespace {

constexpr int64_t kMostInNotation = int64_t{1} << 31; // of a coefficient or an offset: no axis is longer

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

[[noreturn]] void reject(std::string_view text, const std::string &why) {
  throw Error("indices '" + std::string(text) + "': " + why);
}

// Reads "n(2p+r-1)c" from left to right.
class Reader {
public:
  Reader(std::string_view text, std::string_view term) : text_(text), term_(term) {}

  Subscripts read() {
    Subscripts result;
    std::string alone;
    while (at_ < term_.size()) {
      result.push_back(term_[at_] == '(' ? sum() : Subscript::of(letter()));
      if (const char c = result.back().plain(); c && alone.find(c) != std::string::npos)
        reject(text_, "'" + std::string(1, c) + "' is repeated in '" + std::string(term_) + "'");
      else if (c)
        alone += c;
    }
    return result;
  }

private:
  Subscript sum() {
    const size_t begin = at_++; // '('
    Subscript result;
    bool first = true;
    while (peek() != ')' || first) {
      int64_t sign = 1;
      if (peek() == '-' || (peek() == '+' && !first))
        sign = term_[at_++] == '-' ? -1 : 1;
      else if (!first)
        unexpected("expected '+', '-' or ')'");
      result = result + summand() * sign;
      first = false;
    }
    ++at_; // ')'
    if (result.terms.empty())
      reject(text_, "'" + std::string(term_.substr(begin, at_ - begin)) + "' names no letter");
    return result;
  }

  // 2p, p or 2.
  Subscript summand() {
    if (!is_digit(peek()))
      return Subscript::of(letter());
    int64_t number = 0;
    for (; is_digit(peek()); ++at_) {
      number = number * 10 + (term_[at_] - '0');
      if (number > kMostInNotation)
        reject(text_, "a number in '" + std::string(term_) + "' is over " + std::to_string(kMostInNotation));
    }
    return is_letter(peek()) ? Subscript::of(letter()) * number : Subscript{number, {}};
  }

  char letter() {
    const char c = peek();
    if (!is_letter(c))
      unexpected("expected letters such as in \"bi,io->bo\", or sums of them such as (2p+r-1)");
    ++at_;
    return c;
  }

  [[noreturn]] void unexpected(const std::string &what) const {
    reject(text_, what + ", got " + (at_ < term_.size() ? "'" + std::string(1, term_[at_]) + "'" : "the end of '" + std::string(term_) + "'"));
  }
  char peek() const { return at_ < term_.size() ? term_[at_] : '\0'; }

  std::string_view text_, term_;
  size_t at_ = 0;
};

} // namespace

char Subscript::plain() const {
  return offset == 0 && terms.size() == 1 && terms[0].second == 1 ? terms[0].first : '\0';
}

int64_t Subscript::coefficient(char letter) const {
  for (auto [l, c] : terms)
    if (l == letter)
      return c;
  return 0;
}

Subscript Subscript::with(char letter, const Subscript &by) const {
  const int64_t c = coefficient(letter);
  Subscript rest = *this;
  std::erase_if(rest.terms, [&](const auto &term) { return term.first == letter; });
  return c == 0 ? rest : rest + by * c;
}

Subscript operator+(const Subscript &a, const Subscript &b) {
  std::map<char, int64_t> sums(a.terms.begin(), a.terms.end());
  for (auto [letter, c] : b.terms)
    sums[letter] = checked_add(sums[letter], c);
  Subscript result{checked_add(a.offset, b.offset), {}};
  for (auto [letter, c] : sums)
    if (c != 0)
      result.terms.emplace_back(letter, c);
  return result;
}

Subscript operator*(const Subscript &a, int64_t by) {
  Subscript result{checked_multiply(a.offset, by), {}};
  for (auto [letter, c] : a.terms)
    if (const int64_t product = checked_multiply(c, by); product != 0)
      result.terms.emplace_back(letter, product);
  return result;
}

std::string to_string(const Subscripts &subscripts) {
  std::string text;
  for (const Subscript &s : subscripts) {
    if (const char letter = s.plain()) {
      text += letter;
      continue;
    }
    std::string sum;
    auto add = [&](int64_t number, const std::string &letter) {
      sum += number < 0 ? "-" : sum.empty() ? "" : "+";
      const int64_t size = number < 0 ? -number : number;
      sum += (size == 1 && !letter.empty() ? "" : std::to_string(size)) + letter;
    };
    for (auto [letter, c] : s.terms)
      add(c, std::string(1, letter));
    if (s.offset != 0 || s.terms.empty())
      add(s.offset, "");
    text += "(" + sum + ")";
  }
  return text;
}

Subscripts parse_subscripts(std::string_view text, std::string_view term) { return Reader(text, term).read(); }

std::string parse_letters(std::string_view text, std::string_view term) {
  const Subscripts subscripts = parse_subscripts(text, term);
  std::string letters;
  for (const Subscript &s : subscripts) {
    if (!s.plain())
      reject(text, "the result has a letter for every axis, got '" + std::string(term) + "'");
    letters += s.plain();
  }
  return letters;
}

bool mentions(const Subscripts &subscripts, char letter) {
  return std::any_of(subscripts.begin(), subscripts.end(), [&](const Subscript &s) { return s.coefficient(letter) != 0; });
}

std::string letters_of(const Subscripts &subscripts) {
  std::string letters;
  for (const Subscript &s : subscripts)
    for (auto [letter, c] : s.terms)
      if (letters.find(letter) == std::string::npos)
        letters += letter;
  return letters;
}

Subscripts subscripts_of(std::string_view letters) {
  Subscripts result;
  for (char letter : letters)
    result.push_back(Subscript::of(letter));
  return result;
}

void LetterExtents::bind(const Subscripts &subscripts, const Shape &shape, const std::string &what) {
  if (subscripts.size() != shape.size())
    throw Error("'" + to_string(subscripts) + "' names " + std::to_string(subscripts.size()) + " axes of " + what + " of shape " +
                to_string(shape));
  for (size_t d = 0; d < shape.size(); ++d)
    if (const char letter = subscripts[d].plain()) {
      auto [it, fresh] = extents_.try_emplace(letter, shape[d], what);
      if (!fresh && it->second.first != shape[d])
        throw Error("axis '" + std::string(1, letter) + "' is " + std::to_string(it->second.first) + " in " + it->second.second +
                    " and " + std::to_string(shape[d]) + " in " + what);
    }
}

Shape LetterExtents::of(std::string_view letters) const {
  Shape shape;
  for (char letter : letters) {
    if (!knows(letter))
      throw Error("nothing says how far '" + std::string(1, letter) + "' counts: it stands alone in no operand");
    shape.push_back(of(letter));
  }
  return shape;
}

Positions::Positions(const Subscripts &subscripts, const Shape &shape, std::string_view letters) : shape_(shape) {
  for (const Subscript &s : subscripts) {
    axes_.push_back({s.offset, {}});
    for (auto [letter, c] : s.terms)
      axes_.back().terms.emplace_back(letters.find(letter), c);
  }
}

int64_t Positions::of(const std::vector<int64_t> &values) const {
  int64_t flat = 0;
  for (size_t d = 0; d < shape_.size(); ++d) {
    int64_t index = axes_[d].offset;
    for (auto [letter, c] : axes_[d].terms)
      index += c * values[letter];
    if (index < 0 || index >= shape_[d])
      return -1;
    flat = flat * shape_[d] + index;
  }
  return flat;
}

} // namespace gradc
