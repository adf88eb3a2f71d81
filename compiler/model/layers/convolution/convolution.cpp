#include "compiler/model/layers/convolution/convolution.h"

#include "compiler/model/layers/weighted/linear.h"
#include "ir/affine_adjoint.h"

#include <fmt/format.h>

namespace gradc {
namespace {

/// The operands and the result as index notation has them: with an axis for the groups where there are several, and without
/// axes that have one element.
struct Form {
  Einsum notation;
  Shape image, weight, result; // a batch in front of the first and the last
};

void add(Subscripts &term, Shape &shape, Subscript index, int64_t extent) {
  term.push_back(std::move(index));
  shape.push_back(extent);
}

/// `transposed`: the filters are on the side of the image, the channels on that of the result.
Form form_of(int64_t batch, const SlidingAxes &axes, const Channels &channels, bool transposed) {
  const char of_image = transposed ? 'o' : 'c', of_result = transposed ? 'c' : 'o';
  const int64_t in = channels.in / channels.groups, filters = channels.filters / channels.groups;
  const int64_t near = transposed ? filters : in, far = transposed ? in : filters;
  const bool grouped = channels.groups > 1;
  Form f;
  Subscripts result;
  add(f.notation.a, f.image, Subscript::of('n'), batch);
  add(result, f.result, Subscript::of('n'), batch);
  for (size_t i = 0; i < axes.size(); ++i) {
    add(f.notation.a, f.image, axes[i].index(kPositionLetters[i], kElementLetters[i]), axes[i].extent);
    add(result, f.result, Subscript::of(kPositionLetters[i]), axes[i].positions);
    if (axes[i].has_letter())
      add(f.notation.b, f.weight, Subscript::of(kElementLetters[i]), axes[i].window);
  }
  if (grouped) {
    add(f.notation.a, f.image, Subscript::of('g'), channels.groups);
    add(result, f.result, Subscript::of('g'), channels.groups);
  }
  if (!grouped || near > 1)
    add(f.notation.a, f.image, Subscript::of(of_image), near);
  if (!grouped || far > 1)
    add(result, f.result, Subscript::of(of_result), far);
  if (!grouped || in > 1)
    add(f.notation.b, f.weight, Subscript::of('c'), in);
  if (grouped)
    add(f.notation.b, f.weight, Subscript::of('g'), channels.groups);
  if (!grouped || filters > 1)
    add(f.notation.b, f.weight, Subscript::of('o'), filters);
  for (const Subscript &s : result)
    f.notation.out += s.plain();
  return f;
}

Shape with_batch(int64_t batch, Shape shape) {
  shape.insert(shape.begin(), batch);
  return shape;
}

} // namespace

Shape weight_shape(const SlidingAxes &axes, const Channels &channels) {
  Shape shape;
  for (const SlidingAxis &a : axes)
    shape.push_back(a.window);
  shape.push_back(channels.in / channels.groups);
  shape.push_back(channels.filters);
  return shape;
}

Var convolved(Var x, Var weight, const SlidingAxes &axes, const Channels &channels) {
  const int64_t batch = x.shape()[0];
  const Form f = form_of(batch, axes, channels, false);
  const Var image = reshape(x, f.image), w = reshape(weight, f.weight);
  const Var y = apply("contract", {image, w}, {{"indices", f.notation.text()}}, Type{x.dtype(), f.result});
  return reshape(y, with_batch(batch, shape_of_result(axes, channels.filters)));
}

Var transposed_convolved(Var x, Var weight, const SlidingAxes &axes, const Channels &channels) {
  const int64_t batch = x.shape()[0];
  const Form f = form_of(batch, axes, channels, true);
  const Var result = reshape(x, f.result), w = reshape(weight, f.weight);
  const Var y = contract_adjoint(f.notation, true, {x.dtype(), f.image}, result, w);
  return reshape(y, with_batch(batch, shape_of_image(axes, channels.filters)));
}

std::vector<Attr> window_keys(size_t axes) {
  return {axes_key("kernel_size", axes, "extent of the window; a number, or one for each axis"), strides_key(axes),
          padding_key(axes,
                      "zeros around the image: none (valid), as many as give the output the extents of the input divided by "
                      "the strides (same), or for all axes or each axis how many, on both sides or [before, after]"),
          dilation_key(axes)};
}

Attr filters_key() { return attr::integer("filters", "channels of the output").at_least(1).at_most(kMaxDim); }

Attr groups_key() {
  return attr::integer("groups",
                       "into how many groups channels and filters are divided; a group of filters reads its group of channels")
      .at_least(1)
      .at_most(kMaxDim)
      .defaults_to("1");
}

std::vector<Attr> convolution_keys(size_t axes) {
  std::vector<Attr> keys = window_keys(axes);
  keys.insert(keys.begin(), filters_key());
  keys.push_back(groups_key());
  return with_linear_keys(std::move(keys));
}

std::vector<Attr> depthwise_keys() {
  std::vector<Attr> keys = window_keys(2);
  keys.push_back(attr::integer("depth_multiplier", "filters of each channel")
                     .at_least(1)
                     .at_most(kMaxDim)
                     .defaults_to("1")
                     .decides_shape());
  return keys;
}

Channels depthwise_channels(int64_t in, const JsonValue &attrs) {
  return {in, checked_multiply(in, attrs.integer_at("depth_multiplier")), in};
}

Channels grouped_channels(const LayerShapes &l) {
  const Channels channels{features(l.inputs[0]), l.attrs.integer_at("filters"), l.attrs.integer_at("groups")};
  if (channels.in % channels.groups != 0)
    throw LayerError("groups", fmt::format("the {} channels of '{}' cannot be divided into {} groups", channels.in,
                                           l.inputs[0].name, channels.groups));
  if (channels.filters % channels.groups != 0)
    throw LayerError("groups", fmt::format("{} filters cannot be divided into {} groups", channels.filters, channels.groups));
  return channels;
}

Shape convolution_shapes(LayerShapes &l, size_t axes) {
  const Shape image = image_of(l, axes);
  const Channels channels = grouped_channels(l);
  const SlidingAxes sliding = sliding_axes(l.attrs, image, "kernel_size");
  declare_linear(l, weight_shape(sliding, channels));
  return shape_of_result(sliding, channels.filters);
}

Shape image_of(Var x) {
  const Shape shape = x.shape();
  return Shape(shape.begin() + 1, shape.end() - 1);
}

Var build_convolution(const LayerBuild &b) {
  const Var x = b.inputs[0];
  const Channels channels{x.shape().back(), b.output.back(), b.attrs.integer_at("groups")};
  const SlidingAxes axes = sliding_axes(b.attrs, image_of(x), "kernel_size");
  return biased_and_activated(b, "weight", convolved(x, linear_weight(b), axes, channels));
}

} // namespace gradc
