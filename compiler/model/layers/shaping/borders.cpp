#include "compiler/model/layers/shaping/borders.h"

#include <fmt/format.h>

namespace gradc {

using Kind = JsonValue::Kind;

Attr border_key(std::string_view name, std::string_view doc) {
  const auto count = [] { return attr::integer("", "").at_least(0).at_most(kMaxDim); };
  return attr::any_of(name,
                      {count(), attr::list("", attr::any_of("", {count(), attr::list("", count(), "").items(2, 2)}, ""), "")
                                    .items(1, kMaxRank - 2)},
                      doc);
}

/// For `axes` axes and the channels, which have none.
static Borders borders_of(const JsonValue &written, size_t axes) {
  Borders borders;
  for (size_t axis = 0; axis < axes; ++axis) {
    const JsonValue &own = written.is(Kind::array) ? written.items[axis] : written;
    const bool pair = own.is(Kind::array);
    borders.before.push_back(pair ? own.items[0].integer : own.integer);
    borders.after.push_back(pair ? own.items[1].integer : own.integer);
  }
  borders.before.push_back(0);
  borders.after.push_back(0);
  return borders;
}

Borders require_borders(const LayerShapes &l, const char *key) {
  const LayerInput &input = l.inputs[0];
  if (input.shape.size() < 2)
    throw LayerError("", fmt::format("needs axes before the channels, the last axis, but '{}' has shape {}", input.name,
                                     to_string(input.shape)));
  const JsonValue &written = l.attrs.at(key);
  const size_t axes = input.shape.size() - 1;
  if (written.is(Kind::array) && written.items.size() != axes)
    throw LayerError(key, fmt::format("'{}' has shape {}: '{}' needs one number, or a list with a number or a pair for {} before the channels",
                                      input.name, to_string(input.shape), key, axes == 1 ? "the axis" : fmt::format("each of the {} axes", axes)));
  return borders_of(written, axes);
}

Borders borders_with_batch(const LayerBuild &b, const char *key) {
  Borders borders = borders_of(b.attrs.at(key), b.output.size() - 1);
  borders.before.insert(borders.before.begin(), 0);
  borders.after.insert(borders.after.begin(), 0);
  return borders;
}

} // namespace gradc
