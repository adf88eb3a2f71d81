// separable_conv2d: a convolution of each channel for itself, then one of all channels with a window of one element, as in
// Keras.
#include "compiler/model/layers/convolution/convolution.h"
#include "compiler/model/layers/weighted/linear.h"
#include "compiler/model/layers/weighted/weight.h"

namespace gradc {
namespace {

/// A window of one element.
SlidingAxes points(const SlidingAxes &axes) {
  SlidingAxes result;
  for (const SlidingAxis &a : axes)
    result.push_back({.extent = a.positions, .positions = a.positions});
  return result;
}

Shape shapes(LayerShapes &l) {
  const Shape image = image_of(l, 2);
  const Channels channels = depthwise_channels(features(l.inputs[0]), l.attrs);
  const SlidingAxes axes = sliding_axes(l.attrs, image, "kernel_size");
  const int64_t filters = l.attrs.integer_at("filters");
  JsonValue of_channels = linear_initializer(l, "depthwise_initializer", false);
  JsonValue of_points = linear_initializer(l, "pointwise_initializer", rectifies(l.attrs));
  l.params.push_back(weight_param(l, "depthwise_weight", weight_shape(axes, channels), std::move(of_channels)));
  l.params.push_back(weight_param(l, "pointwise_weight", {1, 1, channels.filters, filters}, std::move(of_points)));
  l.params.back().linear = true;
  declare_bias(l, filters);
  return shape_of_result(axes, filters);
}

Var build(const LayerBuild &b) {
  const Var x = b.inputs[0];
  const Channels channels = depthwise_channels(x.shape().back(), b.attrs);
  const SlidingAxes axes = sliding_axes(b.attrs, image_of(x), "kernel_size");
  const Var each = convolved(x, b.param("depthwise_weight"), axes, channels);
  const Var y = convolved(each, b.param("pointwise_weight"), points(axes), {channels.filters, b.output.back(), 1});
  return biased_and_activated(b, "pointwise_weight", y);
}

std::vector<Attr> keys() {
  std::vector<Attr> keys = {attr::integer("filters", "channels of the output").at_least(1).at_most(kMaxDim)};
  for (std::vector<Attr> part : {depthwise_keys(), activation_and_bias_keys()})
    keys.insert(keys.end(), part.begin(), part.end());
  keys.push_back(linear_initializer_key("depthwise_initializer", "initial W of the channels", "xavier_uniform"));
  keys.push_back(linear_initializer_key("pointwise_initializer", "initial W of the points"));
  keys.push_back(bias_initializer_key());
  return with_weight_keys(std::move(keys));
}

} // namespace

extern const LayerDef layer_separable_conv2d;
const LayerDef layer_separable_conv2d = {
    {"separable_conv2d",
     "A depthwise_conv2d without bias and activation, then a conv2d with a kernel of 1. Its weights are `depthwise_weight`, "
     "[kernel height, kernel width, 1, channels * depth_multiplier], and `pointwise_weight`, [1, 1, channels * "
     "depth_multiplier, filters].",
     keys()},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
