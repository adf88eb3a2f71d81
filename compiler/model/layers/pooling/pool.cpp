#include "compiler/model/layers/pooling/pool.h"

#include <algorithm>
#include <fmt/format.h>

namespace gradc {

std::vector<Attr> pool_keys(size_t axes, std::string_view padding_doc) {
  return {axes_key("pool_size", axes, "extent of the window; a number, or one for each axis").defaults_to("2").decides_shape(),
          axes_key("strides", axes, "how far the window moves from one position to the next; a number, or one for each axis")
              .otherwise("pool_size")
              .decides_shape(),
          padding_key(axes, padding_doc)};
}

Attr ceil_mode_key() {
  return attr::boolean("ceil_mode",
                       "whether a last window that ends behind the padding counts, if it begins before the end of the image")
      .defaults_to("false")
      .decides_shape();
}

/// The first position whose window holds nothing of the image; the windows before the image come first.
static std::optional<int64_t> empty_position(const SlidingAxis &a) {
  const auto empty = [&](int64_t position) { return a.elements_inside(position, 0, a.extent) == 0; };
  // Where the image is no shorter than the distance of elements, a window that begins before it reaches farther the later it
  // comes.
  const int64_t early = a.extent >= a.dilation ? 1 : std::min(a.before / a.stride + 1, a.positions);
  for (int64_t position = 0; position < early; ++position)
    if (empty(position))
      return position;
  return empty(a.positions - 1) ? std::optional(a.positions - 1) : std::nullopt;
}

Shape pool_shapes(LayerShapes &l, size_t axes) {
  const SlidingAxes sliding = sliding_axes(l.attrs, image_of(l, axes), "pool_size");
  Shape view;
  for (const SlidingAxis &a : sliding)
    view.insert(view.end(), {a.positions, a.window});
  view.push_back(l.inputs[0].shape.back());
  check_shape(view);
  for (size_t i = 0; i < axes; ++i)
    if (const std::optional<int64_t> position = empty_position(sliding[i]))
      throw LayerError(
          "padding",
          fmt::format("a window of {} elements at position {} of axis {} would hold nothing but padding, which is {} + {}",
                      sliding[i].window, *position, i, sliding[i].before, sliding[i].after));
  return shape_of_result(sliding, view.back());
}

SlidingAxes pool_axes(const LayerBuild &b) {
  const Shape shape = b.inputs[0].shape();
  return sliding_axes(b.attrs, Shape(shape.begin() + 1, shape.end() - 1), "pool_size");
}

Windows windows_of(Var x, const SlidingAxes &axes, double outside) {
  Subscripts read = {Subscript::of('n')};
  std::string positions = "n", elements;
  Shape shape = {x.shape()[0]}, windows;
  for (size_t i = 0; i < axes.size(); ++i) {
    read.push_back(axes[i].index(kPositionLetters[i], kElementLetters[i]));
    positions += kPositionLetters[i];
    shape.push_back(axes[i].positions);
    if (!axes[i].has_letter())
      continue;
    elements += kElementLetters[i];
    windows.push_back(axes[i].window);
  }
  read.push_back(Subscript::of('c'));
  Windows w{x, {}};
  for (size_t i = 0; i < elements.size(); ++i)
    w.elements.push_back(static_cast<int64_t>(positions.size() + i));
  shape.insert(shape.end(), windows.begin(), windows.end());
  shape.push_back(x.shape().back());
  w.view = apply("window", {x}, {{"indices", to_string(read) + "->" + positions + elements + "c"}, {"value", outside}},
                 Type{x.dtype(), shape});
  return w;
}

} // namespace gradc
