// In which order the terms of a sum are added.
#pragma once

#include "ir/kernel.h"

namespace gradc {

enum class SumOrder : uint8_t {
  fast,  // as it suits the tile that a sum falls into, so equal rows of a batch may differ in the last bits of their sums
  fixed, // as fixed_sum says, so a row has the same bits in a batch of any size
};

constexpr int kPartialSums = 16; // as many as the longest vector has lanes

/// The fixed order of a sum. Term i along `axis`, which is the innermost of the reduction, is added to partial sum i modulo
/// `partials`; the upper half of the partial sums is added to the lower half until one is left.
struct FixedSum {
  int partials; // 1, kPartialSums, or 0 where every order gives the same bits
  int axis;
};
/// The fixed order of a stage with a reduction. It is 1 where a term's neighbours in memory belong to other sums, as in a product
/// with a matrix of weights: the lanes of a vector then hold a sum each. It is kPartialSums where they belong to the same sum, as
/// in a mean over a row: the lanes then share one sum. The first axis of a batch is never what neighbours in memory differ in, so
/// the order does not depend on its extent.
FixedSum fixed_sum(const Kernel &, const Stage &);

} // namespace gradc
