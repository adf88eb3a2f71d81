// Reading the index notation of contractions and checking shapes against it.
#include "ir/einsum.h"

#include "ir/error.h"

#include <map>

namespace gradc {

static bool has(std::string_view term, char letter) { return term.find(letter) != std::string_view::npos; }

std::string Einsum::contracted() const {
  std::string letters;
  for (char letter : a)
    if (!has(out, letter))
      letters += letter;
  return letters;
}

std::string Einsum::text() const { return a + "," + b + "->" + out; }

[[noreturn]] static void reject(std::string_view text, const std::string &why) {
  throw Error("indices '" + std::string(text) + "': " + why);
}

static void check_term(std::string_view text, std::string_view term) {
  for (size_t i = 0; i < term.size(); ++i) {
    char c = term[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
      reject(text, "expected letters such as in \"bi,io->bo\", got '" + std::string(1, c) + "'");
    if (has(term.substr(0, i), c))
      reject(text, "'" + std::string(1, c) + "' is repeated in '" + std::string(term) + "'");
  }
}

static void check_covered(std::string_view text, std::string_view operand, std::string_view other,
                          std::string_view out) {
  for (char c : operand)
    if (!has(other, c) && !has(out, c))
      reject(text,
             "'" + std::string(1, c) + "' is in one operand only and not in the result; use sum for it");
}

Einsum parse_einsum(std::string_view text) {
  size_t comma = text.find(','), arrow = text.find("->");
  if (comma == std::string_view::npos || arrow == std::string_view::npos || comma > arrow)
    reject(text, "expected two operands and a result such as \"bi,io->bo\"");
  std::string_view a = text.substr(0, comma), b = text.substr(comma + 1, arrow - comma - 1);
  std::string_view out = text.substr(arrow + 2);
  for (std::string_view term : {a, b, out})
    check_term(text, term);
  check_covered(text, a, b, out);
  check_covered(text, b, a, out);
  for (char c : out)
    if (!has(a, c) && !has(b, c))
      reject(text, "'" + std::string(1, c) + "' of the result is in no operand");
  return {std::string(a), std::string(b), std::string(out)};
}

static void bind(std::map<char, int64_t> &extents, const std::string &term, const Shape &shape) {
  if (term.size() != shape.size())
    throw Error("'" + term + "' names " + std::to_string(term.size()) + " axes of an operand of shape " +
                to_string(shape));
  for (size_t d = 0; d < shape.size(); ++d) {
    auto [it, fresh] = extents.try_emplace(term[d], shape[d]);
    if (!fresh && it->second != shape[d])
      throw Error("axis '" + std::string(1, term[d]) + "' is " + std::to_string(it->second) +
                  " in one operand and " + std::to_string(shape[d]) + " in the other");
  }
}

Shape einsum_extents(const Einsum &e, const Shape &a, const Shape &b, std::string_view letters) {
  std::map<char, int64_t> extents;
  bind(extents, e.a, a);
  bind(extents, e.b, b);
  Shape result;
  for (char letter : letters)
    result.push_back(extents.at(letter));
  return result;
}

} // namespace gradc
