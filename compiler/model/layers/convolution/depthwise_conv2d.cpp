// depthwise_conv2d: a convolution in which every filter reads one channel: a conv2d with as many groups as channels.
#include "compiler/model/layers/convolution/convolution.h"
#include "compiler/model/layers/weighted/linear.h"

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const Shape image = image_of(l, 2);
  const Channels channels = depthwise_channels(features(l.inputs[0]), l.attrs);
  const SlidingAxes axes = sliding_axes(l.attrs, image, "kernel_size");
  declare_linear(l, weight_shape(axes, channels));
  return shape_of_result(axes, channels.filters);
}

Var build(const LayerBuild &b) {
  const Var x = b.inputs[0];
  const SlidingAxes axes = sliding_axes(b.attrs, image_of(x), "kernel_size");
  const Var y = convolved(x, linear_weight(b), axes, depthwise_channels(x.shape().back(), b.attrs));
  return biased_and_activated(b, "weight", y);
}

} // namespace

extern const LayerDef layer_depthwise_conv2d;
const LayerDef layer_depthwise_conv2d = {
    {"depthwise_conv2d",
     "activation(y + b), where y is the convolution of each channel of [height, width, channels] with `depth_multiplier` "
     "filters of its own; W is [kernel height, kernel width, 1, channels * depth_multiplier], the filters of one channel side "
     "by side.",
     with_linear_keys(depthwise_keys())},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
