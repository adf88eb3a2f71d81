// Pools: what a function makes of each window of each channel of an image.
#pragma once

#include "compiler/model/layers/sliding/sliding_axis.h"

namespace gradc {

/// "pool_size", "strides" and "padding".
std::vector<Attr> pool_keys(size_t axes, std::string_view padding_doc);
Attr ceil_mode_key();

/// The shape rule. Throws LayerError where a window would hold nothing but padding.
Shape pool_shapes(LayerShapes &, size_t axes);
SlidingAxes pool_axes(const LayerBuild &);

/// The windows of an image as a view, and which of its axes are those of the elements of a window; there may be none.
struct Windows {
  Var view;
  std::vector<int64_t> elements;
};
/// `outside` is what the padding holds.
Windows windows_of(Var x, const SlidingAxes &, double outside);

Var build_max_pool(const LayerBuild &);
std::vector<Attr> max_pool_keys(size_t axes);

Var build_average_pool(const LayerBuild &);
std::vector<Attr> average_pool_keys(size_t axes);

} // namespace gradc
