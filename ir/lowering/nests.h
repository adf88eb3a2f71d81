// How the stages of a kernel fall into loop nests.
#pragma once

#include "ir/kernel.h"

namespace gradc {

/// Whether a stage sums products over its reduction axes.
bool sums_products(const Kernel &, const Stage &);

/// The loop nest of each stage, counted from 0: runs of stages on the same axes. A run beside that of a sum of products
/// belongs to its nest where it sums one of the factors over the same terms, along the last of the product's axes, and what
/// more it has follows from that: the bias gradient beside the weight's, from one read of dY. Such stages stand beside the
/// product: they are computed with the first of the points that differ only in axes they do not have.
std::vector<int> nests_of(const Kernel &);
bool one_nest(const Kernel &);
/// The axes of the stages [first, first + count), which are a nest: those of the stages that do not stand beside others.
const std::vector<int> &nest_axes(const Kernel &, size_t first, size_t count);

/// The stages whose values later nests read.
std::set<int> handed_over(const Kernel &);
/// How many bytes those are, for one point of the shared axes.
double handed_over_bytes(const Kernel &, const std::vector<int> &shared);

} // namespace gradc
