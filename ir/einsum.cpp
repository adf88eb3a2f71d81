// Reading the index notation of contractions and checking shapes against it.
#include "ir/einsum.h"

#include "ir/error.h"

#include <algorithm>

namespace gradc {

std::string Einsum::contracted() const {
  std::string letters;
  for (char letter : letters_of(a) + letters_of(b))
    if (out.find(letter) == std::string::npos && letters.find(letter) == std::string::npos)
      letters += letter;
  return letters;
}

bool Einsum::is_plain() const {
  auto plain = [](const Subscripts &term) {
    return std::all_of(term.begin(), term.end(), [](const Subscript &s) { return s.plain() != 0; });
  };
  return plain(a) && plain(b);
}

std::string Einsum::text() const { return to_string(a) + "," + to_string(b) + "->" + out; }

[[noreturn]] static void reject(std::string_view text, const std::string &why) {
  throw Error("indices '" + std::string(text) + "': " + why);
}

static void check_covered(std::string_view text, const Subscripts &operand, const Subscripts &other, const std::string &out) {
  auto places = [&](char c) {
    return std::count_if(operand.begin(), operand.end(), [&](const Subscript &s) { return s.coefficient(c) != 0; });
  };
  for (char c : letters_of(operand))
    if (places(c) == 1 && !mentions(other, c) && out.find(c) == std::string::npos)
      reject(text, "'" + std::string(1, c) + "' is in one operand only and not in the result; use sum for it");
}

Einsum parse_einsum(std::string_view text) {
  size_t comma = text.find(','), arrow = text.find("->");
  if (comma == std::string_view::npos || arrow == std::string_view::npos || comma > arrow)
    reject(text, "expected two operands and a result such as \"bi,io->bo\"");
  Einsum e{parse_subscripts(text, text.substr(0, comma)), parse_subscripts(text, text.substr(comma + 1, arrow - comma - 1)),
           parse_letters(text, text.substr(arrow + 2))};
  check_covered(text, e.a, e.b, e.out);
  check_covered(text, e.b, e.a, e.out);
  for (char c : e.out)
    if (!mentions(e.a, c) && !mentions(e.b, c))
      reject(text, "'" + std::string(1, c) + "' of the result is in no operand");
  return e;
}

LetterExtents einsum_extents(const Einsum &e, const Shape &a, const Shape &b, const Shape *declared) {
  LetterExtents extents;
  extents.bind(e.a, a, "one operand");
  extents.bind(e.b, b, "the other operand");
  const bool follows = std::all_of(e.out.begin(), e.out.end(), [&](char letter) { return extents.knows(letter); });
  if (!follows && !declared)
    throw Error("the shape of the result must be given: the operands do not say it");
  if (declared)
    extents.bind(e.out, *declared, "the result");
  extents.of(e.out + e.contracted()); // all are known
  return extents;
}

std::string View::text() const { return to_string(operand) + "->" + out; }

View parse_view(std::string_view text) {
  const size_t arrow = text.find("->");
  if (arrow == std::string_view::npos)
    reject(text, "expected an operand and a result such as \"n(2p+r)c->npcr\"");
  View view{parse_subscripts(text, text.substr(0, arrow)), parse_letters(text, text.substr(arrow + 2))};
  for (char c : letters_of(view.operand))
    if (view.out.find(c) == std::string::npos)
      reject(text, "'" + std::string(1, c) + "' of the operand is not in the result");
  for (char c : view.out)
    if (!mentions(view.operand, c))
      reject(text, "'" + std::string(1, c) + "' of the result is not in the operand");
  return view;
}

} // namespace gradc
