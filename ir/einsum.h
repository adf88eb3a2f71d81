// The index notation of contractions: "bi,io->bo" names each axis of two operands and of the result by a letter. An operand may
// also be read at sums of letters: "n(2p+r-1)(2q+s-1)c,rsco->npqo" is a convolution of stride 2 with one pixel of padding.
#pragma once

#include "ir/subscripts.h"

namespace gradc {

/// out(...) = sum over the letters that are not in `out` of a(...) * b(...). A term whose index lies outside an operand is
/// absent from the sum.
struct Einsum {
  Subscripts a, b;
  std::string out;

  /// Letters that are summed over, in the order of `a` and then of `b`.
  std::string contracted() const;
  /// Whether every axis of the operands is named by one letter.
  bool is_plain() const;
  /// "bi,io->bo".
  std::string text() const;
};

/// Throws Error unless the text is two terms and a result, no letter stands alone twice in a term, every letter that is in one
/// place of the operands alone is in the result, and every letter of the result is in an operand.
Einsum parse_einsum(std::string_view text);
/// The extents of all letters. A letter of the result that stands alone in no operand has its extent from `declared`, the shape
/// of the result; null where that is not known. Throws Error when the operands' ranks or extents do not fit the notation, or an
/// extent does not follow.
LetterExtents einsum_extents(const Einsum &, const Shape &a, const Shape &b, const Shape *declared = nullptr);

/// The same of one operand: "n(2p+r)c->npcr" reads an operand once for each letter of the result.
struct View {
  Subscripts operand;
  std::string out;

  std::string text() const;
};

/// Throws Error unless the text is a term and a result, and both have the same letters.
View parse_view(std::string_view text);

} // namespace gradc
