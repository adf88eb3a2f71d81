// How the stages of a kernel fall into loop nests.
#pragma once

#include "ir/kernel.h"

namespace gradc {

/// Whether a stage sums products over its reduction axes.
bool sums_products(const Kernel &, const Stage &);

/// Whether a sum of products has a register tile inside the loops over `shared`, as that of a convolution has: there is an axis
/// for each factor along which the factor serves several points.
bool has_tile_inside(const Kernel &, const Stage &product, const std::vector<int> &shared);

/// The loop nest of each stage, counted from 0. Consecutive stages on the same axes are one nest.
///
/// There is one more case, made for the gradients of a dense layer, which both read dY:
///
///     dW(i,j) = sum b: x(b,i) * dY(b,j)        a sum of products over b
///     db(j)   = sum b: dY(b,j)                 a sum of one of its factors, over the same b
///
/// db has fewer axes than dW, yet they are one nest, so that dY is read once. It is said to stand beside the product. It is
/// computed where the loop over i, which it lacks, is at its first point. Stages stand beside a product when they follow
/// or precede it directly; their axes are a part of the product's and have the same last axis; each of their sums is of one of
/// the two factors over the same terms; and neither reads the other. What else is on their axes, such as the update of the
/// bias, comes with them.
std::vector<int> nests_of(const Kernel &);
bool one_nest(const Kernel &);
/// The axes of the stages [first, first + count), which are a nest: those of the stages that do not stand beside others.
const std::vector<int> &nest_axes(const Kernel &, size_t first, size_t count);

/// The stages whose values later nests read.
std::set<int> handed_over(const Kernel &);
/// How many bytes those are, while one point of the shared axes is worked on.
double handed_over_bytes(const Kernel &, const std::vector<int> &shared);

} // namespace gradc
