#include "compiler/model/layers/sliding/sliding_axis.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gradc {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

Attr one_for_each_axis(Attr item, size_t axes) { return attr::list("", std::move(item), "").items(axes, axes); }

/// "[height, width, channels]"
std::string axes_of_images(size_t axes) {
  constexpr std::string_view names[] = {"depth", "height", "width"};
  std::string text = "[";
  for (size_t axis = 3 - axes; axis < 3; ++axis)
    text += fmt::format("{}, ", names[axis]);
  return text + "channels]";
}

/// Half of what is missing to windows that end with the image.
void pad_as_same(SlidingAxis &a) {
  a.positions = ceil_div(a.extent, a.stride);
  const int64_t padding = std::max((a.positions - 1) * a.stride + a.span() - a.extent, int64_t{0});
  a.before = padding / 2;
  a.after = padding - a.before;
}

void count_positions(SlidingAxis &a, bool ceil_mode) {
  const int64_t room = a.before + a.extent + a.after - a.span();
  a.positions = (ceil_mode ? ceil_div(room, a.stride) : room / a.stride) + 1;
  if (ceil_mode && (a.positions - 1) * a.stride >= a.before + a.extent) // it would begin behind the image
    --a.positions;
}

/// Of a window that is larger than the image.
LayerError too_large(const SlidingAxis &a, size_t axis, size_t axes, const char *window_key) {
  std::string window = fmt::format("a window of {} elements", a.window);
  if (a.dilation > 1)
    window += fmt::format(" with the dilation {} spans {}, which", a.dilation, a.span());
  std::string image = fmt::format("the {} element{} of axis {}", a.extent, a.extent == 1 ? "" : "s", axis);
  if (a.before + a.after > 0)
    image += fmt::format(" and their padding of {} + {}, {} in all", a.before, a.after, a.before + a.extent + a.after);
  return LayerError(window_key,
                    fmt::format("{} does not fit into {}; the axes of an image are {}", window, image, axes_of_images(axes)));
}

} // namespace

int64_t SlidingAxis::elements_inside(int64_t position, int64_t from, int64_t to) const {
  const int64_t first = position * stride - before;
  const int64_t begin = std::clamp(ceil_div(from - first, dilation), int64_t{0}, window);
  return std::max(std::clamp(ceil_div(to - first, dilation), int64_t{0}, window) - begin, int64_t{0});
}

// A letter that stands alone counts as far as the axis itself.
bool SlidingAxis::has_letter() const { return window > 1 || (stride == 1 && before == 0 && positions != extent); }

Subscript SlidingAxis::index(char position, char element) const {
  Subscript s = Subscript::of(position) * stride + Subscript{-before, {}};
  return has_letter() ? s + Subscript::of(element) * dilation : s;
}

Attr axes_key(std::string_view name, size_t axes, std::string_view doc) {
  const auto number = [] { return attr::integer("", "").at_least(1).at_most(kMaxDim); };
  return attr::any_of(name, {number(), one_for_each_axis(number(), axes)}, doc);
}

Attr strides_key(size_t axes) {
  return axes_key("strides", axes, "how far the window moves from one position to the next; a number, or one for each axis")
      .defaults_to("1")
      .decides_shape();
}

Attr dilation_key(size_t axes) {
  return axes_key("dilation", axes, "distance of the elements of the window; a number, or one for each axis")
      .defaults_to("1")
      .decides_shape();
}

Attr padding_key(size_t axes, std::string_view doc, std::string_view default_json) {
  const auto number = [] { return attr::integer("", "").at_least(0).at_most(kMaxDim); };
  Attr one_axis = attr::any_of("", {number(), attr::list("", number(), "").items(2, 2)}, "");
  return attr::any_of("padding",
                      {attr::choice("", {"same", "valid"}, ""), number(), one_for_each_axis(std::move(one_axis), axes)}, doc)
      .defaults_to(default_json)
      .decides_shape();
}

std::vector<int64_t> numbers_of(const JsonValue &value, size_t axes) {
  if (!value.is(JsonValue::Kind::array))
    return std::vector<int64_t>(axes, value.integer);
  std::vector<int64_t> numbers;
  for (const JsonValue &item : value.items)
    numbers.push_back(item.integer);
  return numbers;
}

std::vector<std::pair<int64_t, int64_t>> paddings_of(const JsonValue &value, size_t axes) {
  std::vector<std::pair<int64_t, int64_t>> paddings;
  for (size_t axis = 0; axis < axes; ++axis) {
    const JsonValue &padding = value.is(JsonValue::Kind::array) ? value.items[axis] : value;
    if (padding.is(JsonValue::Kind::array))
      paddings.emplace_back(padding.items[0].integer, padding.items[1].integer);
    else
      paddings.emplace_back(padding.integer, padding.integer);
  }
  return paddings;
}

Shape image_of(const LayerShapes &l, size_t axes) {
  const LayerInput &input = l.inputs[0];
  Shape image = input.shape;
  if (image.size() == axes) {
    Shape one_channel = image;
    one_channel.push_back(1);
    throw LayerError("", fmt::format("'{}' has shape {} and no axis of channels, expected {}; 'reshape' it to {}", input.name,
                                     to_string(image), axes_of_images(axes), to_string(one_channel)));
  }
  if (image.size() != axes + 1)
    throw LayerError("", fmt::format("'{}' has shape {}, expected the {} axes {}", input.name, to_string(image), axes + 1,
                                     axes_of_images(axes)));
  image.pop_back();
  return image;
}

SlidingAxes sliding_axes(const JsonValue &attrs, const Shape &image, const char *window_key) {
  const size_t count = image.size();
  const std::vector<int64_t> windows = numbers_of(attrs.at(window_key), count);
  const JsonValue *strides_key = attrs.find("strides"), *dilation_key = attrs.find("dilation"),
                  *ceil_mode = attrs.find("ceil_mode");
  const std::vector<int64_t> strides = strides_key ? numbers_of(*strides_key, count) : windows;
  const std::vector<int64_t> dilations = dilation_key ? numbers_of(*dilation_key, count) : std::vector<int64_t>(count, 1);
  const JsonValue &padding = attrs.at("padding");
  const auto paddings = paddings_of(padding, count);
  SlidingAxes axes;
  for (size_t i = 0; i < count; ++i) {
    SlidingAxis a{image[i], windows[i], strides[i], dilations[i], paddings[i].first, paddings[i].second};
    if (padding.text == "same") {
      pad_as_same(a);
    } else {
      if (a.span() > a.before + a.extent + a.after)
        throw too_large(a, i, count, window_key);
      count_positions(a, ceil_mode && ceil_mode->boolean);
    }
    axes.push_back(a);
  }
  return axes;
}

static Shape shape_of(const SlidingAxes &axes, int64_t SlidingAxis::*size, int64_t channels) {
  Shape shape;
  for (const SlidingAxis &a : axes)
    shape.push_back(a.*size);
  shape.push_back(channels);
  return shape;
}

Shape shape_of_result(const SlidingAxes &axes, int64_t channels) { return shape_of(axes, &SlidingAxis::positions, channels); }

Shape shape_of_image(const SlidingAxes &axes, int64_t channels) { return shape_of(axes, &SlidingAxis::extent, channels); }

} // namespace gradc
