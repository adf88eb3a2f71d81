// Windows that slide along the axes of an image: what convolutions and pools have in common. The image of one example has its
// channels last: [width, channels], [height, width, channels] or [depth, height, width, channels].
#pragma once

#include "compiler/model/layers/layer.h"
#include "ir/subscripts.h"

namespace gradc {

/// One axis of an image, and the window that takes its positions along it. All is in elements of the image.
struct SlidingAxis {
  int64_t extent = 1; // of the image
  int64_t window = 1; // how many elements are read at once
  int64_t stride = 1;
  int64_t dilation = 1;          // the distance of the elements of a window
  int64_t before = 0, after = 0; // padding
  int64_t positions = 1;         // of the window: the extent of the result

  /// From the first element of the window to the last.
  int64_t span() const { return (window - 1) * dilation + 1; }
  /// How many elements of a window lie in [from, to); the image is [0, extent).
  int64_t elements_inside(int64_t position, int64_t from, int64_t to) const;
  /// Whether index notation needs a letter for the element of the window: it does not where the window has one alone.
  bool has_letter() const;
  /// What is read, for the letters of the position and of the element of the window.
  Subscript index(char position, char element) const;
};
using SlidingAxes = std::vector<SlidingAxis>;

/// Letters for positions and for elements of windows, one an axis; "n", "c", "g" and "o" are left for others.
constexpr std::string_view kPositionLetters = "pqu", kElementLetters = "rst";

// Keys, for images with so many axes besides the channels.

/// An integer of at least 1, or one for each axis.
Attr axes_key(std::string_view name, size_t axes, std::string_view doc);
Attr strides_key(size_t axes);  // 1 unless given
Attr dilation_key(size_t axes); // likewise
/// "same", "valid", or how many elements: a number, or for each axis a number or [before, after].
Attr padding_key(size_t axes, std::string_view doc, std::string_view default_json = "\"valid\"");
/// The number that such a key has for each axis.
std::vector<int64_t> numbers_of(const JsonValue &value, size_t axes);
/// The numbers [before, after] of such a padding for each axis; of "same" and "valid" 0.
std::vector<std::pair<int64_t, int64_t>> paddings_of(const JsonValue &value, size_t axes);

/// The axes of the only input but the last, which is that of the channels. Throws LayerError where these are not `axes`.
Shape image_of(const LayerShapes &, size_t axes);

/// How windows slide over an image of these extents, by the keys "strides", "padding" and, where the layer has them, "dilation"
/// and "ceil_mode", and the key that has the size of the window. With "same" the result has extent / stride elements, rounded
/// up, and what padding it takes is half before, half after, with an odd one after, as in TensorFlow. Throws LayerError where
/// no window fits into the image and its padding.
SlidingAxes sliding_axes(const JsonValue &attrs, const Shape &image, const char *window_key);

/// [positions of each axis, channels].
Shape shape_of_result(const SlidingAxes &, int64_t channels);
/// [extent of each axis, channels].
Shape shape_of_image(const SlidingAxes &, int64_t channels);

} // namespace gradc
