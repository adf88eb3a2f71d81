// What zero_padding and cropping have in common: how many positions lie at both ends of the axes before the channels.
#pragma once

#include "compiler/model/layers/layer.h"

namespace gradc {

/// The key: one number for all ends, a number for each axis but the last, or a pair [before, after] for each.
Attr border_key(std::string_view name, std::string_view doc);

/// For each axis of an example, the last included with none.
struct Borders {
  std::vector<int64_t> before, after;
};

/// As a shape rule reads them. Throws LayerError where the input has no axis before its channels or the list does not fit it.
Borders require_borders(const LayerShapes &, const char *key);
/// Those of a layer, with an axis of the batch in front, that has none.
Borders borders_with_batch(const LayerBuild &, const char *key);

} // namespace gradc
