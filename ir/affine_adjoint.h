// Where the elements of an operand that is read at affine indices are used: the index notation of its adjoint.
//
// y(p) = sum r: x(2p+r) * w(r) reads x at h = 2p+r. The adjoint of x is a sum over all p and r with 2p+r = h. There are two ways
// to walk over these:
//   * solve for a letter of coefficient 1: r = h-2p, so dx(h) = sum p: dy(p) * w(h-2p), where what lies outside w is absent. With
//     a stride of 1 that is short if it is the long letter that is solved for;
//   * take every phase h = 2h'+f for itself. Then r = 2t+f and p = h'-t: dx_f(h') = sum t: dy(h'-t) * w_f(t), where w_f is every
//     second element of w, from f on. The phases are interleaved. No term is absent but at the ends.
#pragma once

#include "ir/einsum.h"
#include "ir/formula.h"

#include <functional>

namespace gradc {

/// A letter of which the phase takes every `stride`-th value, from `start` on, under the same name.
struct LetterSlice {
  char letter;
  int64_t start, stride;
};

/// One phase of the adjoint of an operand, in index notation.
struct AdjointPhase {
  bool empty = false;                   // nothing of the operand's elements in this phase was read: the adjoint is 0
  std::string letters;                  // of the phase's axes
  Shape shape;                          // and their extents
  std::vector<LetterSlice> slices;      // what is read of the letters that are left
  std::map<char, Subscript> solved;     // what letters that are no longer walked over are, in terms of the others
  /// Subscripts of another value of the same formula, in this phase.
  Subscripts in(const Subscripts &) const;
};

struct AffineAdjoint {
  std::vector<int64_t> factors; // how many phases along each axis of the operand
  std::vector<AdjointPhase> phases; // the last axis runs fastest
};

/// For an operand of this shape that is read at `subscripts`, in a formula whose letters are `used` and count so far. Throws
/// Error for a sum of three or more letters of which none has the coefficient 1 or -1, and where there are more than 4096 phases.
AffineAdjoint affine_adjoint(const Subscripts &subscripts, const Shape &shape, const std::string &used, const LetterExtents &);

/// The phases put together; `of` gives the value of one that is not empty.
Var join_phases(const AffineAdjoint &, const Type &operand, const Scope &, const std::function<Var(const AdjointPhase &)> &of);
/// `v`, whose axes are `letters`, as a phase reads it.
Var sliced(const AdjointPhase &, Var v, const Subscripts &letters);

/// The adjoint of an operand of a contraction, the first or the second, which has the type `operand`: dy, in the shape of the
/// result, with the other operand. With strides that is one contraction for each phase; of a convolution's image it is the
/// transposed convolution. Throws Error as einsum_extents and affine_adjoint do.
Var contract_adjoint(const Einsum &, bool first, const Type &operand, Var dy, Var other);

} // namespace gradc
