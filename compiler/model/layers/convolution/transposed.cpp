// Transposed convolutions: what conv_transpose1d and conv_transpose2d have in common. The layer is the adjoint of a convolution
// with its kernel, strides, padding and dilation, so that the axes are those of that convolution: the output of the layer is
// its image, the input has its positions.
#include "compiler/model/layers/convolution/convolution.h"
#include "compiler/model/layers/weighted/linear.h"

#include <algorithm>
#include <fmt/format.h>

namespace gradc {
namespace {

/// The axes of the convolution whose positions are the input's elements.
SlidingAxes transposed_axes(const JsonValue &attrs, const Shape &input) {
  const size_t count = input.size();
  const JsonValue &padding = attrs.at("padding");
  const std::vector<int64_t> windows = numbers_of(attrs.at("kernel_size"), count),
                             strides = numbers_of(attrs.at("strides"), count),
                             dilations = numbers_of(attrs.at("dilation"), count),
                             more = numbers_of(attrs.at("output_padding"), count);
  const auto paddings = paddings_of(padding, count);
  SlidingAxes axes;
  for (size_t i = 0; i < count; ++i) {
    SlidingAxis a{.window = windows[i],
                  .stride = strides[i],
                  .dilation = dilations[i],
                  .before = paddings[i].first,
                  .after = paddings[i].second,
                  .positions = input[i]};
    const int64_t beyond = std::max(a.span() - a.stride, int64_t{0}); // what a window has in common with the next
    if (padding.is(JsonValue::Kind::string)) {                        // as Keras has it
      if (more[i] > 0)
        throw LayerError("output_padding",
                         fmt::format("the padding '{}' decides how large the output is; give the padding as a number to add to "
                                     "it",
                                     padding.text));
      a.before = padding.text == "same" ? beyond / 2 : 0;
      a.after = padding.text == "same" ? beyond - beyond / 2 : 0;
      a.extent = a.positions * a.stride + (padding.text == "same" ? 0 : beyond);
    } else {
      if (more[i] >= std::max(a.stride, a.dilation))
        throw LayerError("output_padding",
                         fmt::format("{} is too much along axis {}: it must be less than the stride {} or the dilation {}",
                                     more[i], i, a.stride, a.dilation));
      const int64_t whole = (a.positions - 1) * a.stride + a.span() + more[i];
      a.extent = whole - a.before - a.after;
      if (a.extent < 1)
        throw LayerError("padding", fmt::format("the padding of {} + {} leaves nothing of the {} elements along axis {}",
                                                a.before, a.after, whole, i));
    }
    axes.push_back(a);
  }
  return axes;
}

} // namespace

std::vector<Attr> transposed_convolution_keys(size_t axes) {
  const auto number = [] { return attr::integer("", "").at_least(0).at_most(kMaxDim); };
  return with_linear_keys(
      {filters_key(), axes_key("kernel_size", axes, "extent of the window; a number, or one for each axis"),
       axes_key("strides", axes,
                "how far apart in the output the windows of neighbours in the input are; a number, or one for each axis")
           .defaults_to("1")
           .decides_shape(),
       padding_key(axes,
                   "what is cut off the output: for all axes or each axis how many elements, on both sides or [before, after], "
                   "as PyTorch's padding; or as Keras has it nothing (valid, with zeros for what strides reach beyond the "
                   "kernel), or as much as leaves the extents of the input times the strides (same)",
                   "0"),
       attr::any_of("output_padding", {number(), attr::list("", number(), "").items(axes, axes)},
                    "how many elements more the output has at its end; a number, or one for each axis")
           .defaults_to("0")
           .decides_shape(),
       dilation_key(axes), groups_key()});
}

Shape transposed_convolution_shapes(LayerShapes &l, size_t axes) {
  const Shape input = image_of(l, axes);
  const Channels channels = grouped_channels(l);
  const SlidingAxes sliding = transposed_axes(l.attrs, input);
  declare_linear(l, weight_shape(sliding, channels));
  return shape_of_image(sliding, channels.filters);
}

Var build_transposed_convolution(const LayerBuild &b) {
  const Var x = b.inputs[0];
  const Channels channels{x.shape().back(), b.output.back(), b.attrs.integer_at("groups")};
  const SlidingAxes axes = transposed_axes(b.attrs, image_of(x));
  return biased_and_activated(b, "weight", transposed_convolved(x, linear_weight(b), axes, channels));
}

} // namespace gradc
