// Index notation: at which element an operand is read, written with a letter for each axis that is walked over.
// "n(2p+r-1)c" reads row 2p + r - 1 of an image of three axes.
#pragma once

#include "ir/type.h"

#include <map>

namespace gradc {

/// offset + sum of coefficient * letter: the index of one axis of an operand. Terms are sorted by their letters, without
/// zero coefficients or repeats.
struct Subscript {
  int64_t offset = 0;
  std::vector<std::pair<char, int64_t>> terms;

  static Subscript of(char letter) { return {0, {{letter, 1}}}; }
  /// The letter when this is exactly one letter; 0 otherwise.
  char plain() const;
  int64_t coefficient(char letter) const;
  /// With `by` in place of a letter. Throws Overflow.
  Subscript with(char letter, const Subscript &by) const;
  friend bool operator==(const Subscript &, const Subscript &) = default;
};
Subscript operator+(const Subscript &, const Subscript &); // throws Overflow
Subscript operator*(const Subscript &, int64_t);           // throws Overflow
using Subscripts = std::vector<Subscript>;

/// "n(2p+r-1)c".
std::string to_string(const Subscripts &);
/// Reads one term of `text`, the notation that messages quote. Throws Error where it is no list of letters and sums of
/// letters in parentheses, or where a letter stands alone twice.
Subscripts parse_subscripts(std::string_view text, std::string_view term);
/// One letter an axis, as every result has. Throws Error likewise.
std::string parse_letters(std::string_view text, std::string_view term);

bool mentions(const Subscripts &, char letter);
/// Every letter once, in the order of the axes.
std::string letters_of(const Subscripts &);
/// A subscript for each letter.
Subscripts subscripts_of(std::string_view letters);

/// How far each letter counts.
class LetterExtents {
public:
  /// Takes the extents of letters that stand alone from an operand's shape. `what` says which operand that is, for messages:
  /// "one operand". Throws Error where the shape has another rank, or another extent than is known.
  void bind(const Subscripts &, const Shape &, const std::string &what);
  void bind(std::string_view letters, const Shape &shape, const std::string &what) { bind(subscripts_of(letters), shape, what); }
  bool knows(char letter) const { return extents_.contains(letter); }
  int64_t of(char letter) const { return extents_.at(letter).first; }
  /// The extent of every letter of `letters`. Throws Error for one that is not known.
  Shape of(std::string_view letters) const;

private:
  std::map<char, std::pair<int64_t, std::string>> extents_; // and of what
};

/// Where an operand of a shape, which must outlive this, is read for each value of the letters.
class Positions {
public:
  Positions(const Subscripts &, const Shape &, std::string_view letters);
  /// The number of the element in row-major order, for a value of each letter; -1 outside.
  int64_t of(const std::vector<int64_t> &values) const;

private:
  struct Axis {
    int64_t offset;
    std::vector<std::pair<size_t, int64_t>> terms; // number of the letter, coefficient
  };
  const Shape &shape_;
  std::vector<Axis> axes_;
};

} // namespace gradc
