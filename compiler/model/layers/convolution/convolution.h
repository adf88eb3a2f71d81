// Convolutions as contractions: y(p, o) = sum over r, c of x(stride p + dilation r - before, c) W(r, c, o), along up to three
// axes. What lies outside the image is absent. The weight is [elements of the window..., channels / groups, filters]; a group
// of filters reads a group of channels.
#pragma once

#include "compiler/model/layers/sliding/sliding_axis.h"

namespace gradc {

/// How many channels, filters and groups; the latter divides the others.
struct Channels {
  int64_t in, filters, groups;
};

/// [elements of the window..., channels / groups, filters]
Shape weight_shape(const SlidingAxes &, const Channels &);

/// The convolution of x, [batch, extents..., channels], with a weight: [batch, positions..., filters]. One contraction.
Var convolved(Var x, Var weight, const SlidingAxes &, const Channels &);
/// The transposed convolution of x, [batch, positions..., channels]: [batch, extents..., filters]. It is the adjoint of the
/// convolution that slides along the same axes and has as many channels as this has filters, with the filters and channels of
/// the weight exchanged. Where the strides are 1 one contraction, else one for each phase.
Var transposed_convolved(Var x, Var weight, const SlidingAxes &, const Channels &);

// What conv1d, conv2d and conv3d, and conv_transpose1d and conv_transpose2d, have in common.

std::vector<Attr> convolution_keys(size_t axes);
Shape convolution_shapes(LayerShapes &, size_t axes);
Var build_convolution(const LayerBuild &);

std::vector<Attr> transposed_convolution_keys(size_t axes);
Shape transposed_convolution_shapes(LayerShapes &, size_t axes);
Var build_transposed_convolution(const LayerBuild &);

Attr filters_key();
Attr groups_key();
/// "kernel_size", "strides", "padding" and "dilation".
std::vector<Attr> window_keys(size_t axes);
/// Those and "depth_multiplier", of convolutions of each channel for itself, which are these groups.
std::vector<Attr> depthwise_keys();
Channels depthwise_channels(int64_t in, const JsonValue &attrs);

/// The extents of the image that a value [batch, extents..., channels] holds.
Shape image_of(Var x);
/// Throws LayerError where the key "groups" does not divide the channels of the input and the filters.
Channels grouped_channels(const LayerShapes &);

} // namespace gradc
