// The index notation of contractions: "bi,io->bo" names each axis of two operands and of the result by a
// letter.
#pragma once

#include "ir/type.h"

namespace gradc {

/// out(...) = sum over the letters that are not in `out` of a(...) * b(...).
struct Einsum {
  std::string a, b, out;

  /// Letters that are summed over, in the order of `a`; each is in `a` and in `b`.
  std::string contracted() const;
  /// "bi,io->bo".
  std::string text() const;
};

/// Throws Error unless the text is two terms and a result, no term repeats a letter, every letter of an
/// operand is in the other operand or in the result, and every letter of the result is in an operand.
Einsum parse_einsum(std::string_view text);
/// The extent of every letter of `letters`. Throws Error when the operands' ranks or extents do not fit the
/// notation.
Shape einsum_extents(const Einsum &, const Shape &a, const Shape &b, std::string_view letters);

} // namespace gradc
