// upsample: an example with more positions along each axis but the last. As torch.nn.Upsample with align_corners false and Keras'
// UpSampling layers.
#include "compiler/model/layers/layer.h"

#include <fmt/format.h>

namespace gradc {
namespace {

/// For each axis but the last.
std::vector<int64_t> factors(const JsonValue &attrs, size_t axes) {
  const std::vector<JsonValue> &written = attrs.at("factor").items;
  std::vector<int64_t> factors;
  for (size_t axis = 0; axis < axes; ++axis)
    factors.push_back(written[written.size() == 1 ? 0 : axis].integer);
  return factors;
}

Shape shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  Shape output = input.shape;
  if (output.size() < 2)
    throw LayerError("", fmt::format("needs axes before the channels, the last axis, but '{}' has shape {}", input.name, to_string(output)));
  const size_t axes = output.size() - 1, given = l.attrs.at("factor").items.size();
  if (given != 1 && given != axes)
    throw LayerError("factor", fmt::format("'{}' has shape {}: 'factor' needs one number, or one for {} before the channels", input.name,
                                           to_string(output), axes == 1 ? "the axis" : fmt::format("each of the {} axes", axes)));
  const std::vector<int64_t> times = factors(l.attrs, axes);
  for (size_t axis = 0; axis < axes; ++axis)
    output[axis] *= times[axis];
  return output;
}

/// x, [outer, extent, inner], moved by one along the middle axis: each position has the value of the one before it or behind it, and
/// that at the end its own.
Var neighbour(Var x, bool before) {
  const Shape shape = x.shape();
  const auto part = [&](int64_t start, int64_t stop) {
    return apply("slice", {x}, {{"starts", std::vector<int64_t>{0, start, 0}}, {"limits", std::vector<int64_t>{shape[0], stop, shape[2]}}});
  };
  const int64_t extent = shape[1];
  if (extent == 1)
    return x;
  const Var first = before ? part(0, 1) : part(1, extent);
  const Var second = before ? part(0, extent - 1) : part(extent - 1, extent);
  return apply("concat", {first, second}, {{"dim", int64_t{1}}});
}

/// [outer, extent, inner] to [outer, extent, factor, inner]: position p of factor lies (p + 1/2) / factor - 1/2 from the middle of its
/// element, and between that and its neighbour on that side values are linear.
Var interpolated(Var x, int64_t factor) {
  const Shape shape = x.shape(), beside = {shape[0], shape[1], 1, shape[2]};
  const Type positions{DType::i64, {factor}};
  const Var at = cast(source(*x.scope, "iota", {{"dim", int64_t{0}}}, positions), x.dtype());
  const Var offset = reshape((at + 0.5) * (1 / static_cast<double>(factor)) - 0.5, {factor, 1});
  const Var none = number_like(offset, 0);
  const Var of_before = maximum(-offset, none), of_behind = maximum(offset, none);
  const Var own = 1 - abs(offset);
  const Var before = reshape(neighbour(x, true), beside) * of_before;
  const Var behind = reshape(neighbour(x, false), beside) * of_behind;
  return reshape(x, beside) * own + before + behind;
}

Var repeated(Var x, int64_t factor) {
  const Shape shape = x.shape();
  return apply("broadcast", {reshape(x, {shape[0], shape[1], 1, shape[2]})}, {}, Type{x.dtype(), {shape[0], shape[1], factor, shape[2]}});
}

Var build(const LayerBuild &b) {
  Var x = b.inputs[0];
  const std::vector<int64_t> times = factors(b.attrs, b.output.size() - 1);
  const bool nearest = b.attrs.string_at("interpolation") == "nearest";
  for (size_t axis = 0; axis < times.size(); ++axis) {
    if (times[axis] == 1)
      continue;
    Shape shape = x.shape();
    const int64_t outer = element_count(Shape(shape.begin(), shape.begin() + static_cast<int64_t>(axis) + 1));
    const int64_t extent = shape[axis + 1], inner = x.type().elements() / (outer * extent);
    const Var flat = reshape(x, {outer, extent, inner});
    shape[axis + 1] *= times[axis];
    x = reshape(nearest ? repeated(flat, times[axis]) : interpolated(flat, times[axis]), shape);
  }
  return x;
}

} // namespace

extern const LayerDef layer_upsample;
const LayerDef layer_upsample = {
    {"upsample",
     "Each axis but the last, the channels, with `factor` times as many elements.",
     {attr::one_or_list("factor", attr::integer("", "").at_least(1).at_most(kMaxDim), "how many times: one number, or one for each axis but the last")
          .items(1, kMaxRank - 2),
      attr::choice("interpolation", {"nearest", "bilinear"},
                   "each element repeated, or values in between, linear along each axis, as of PyTorch with align_corners false")
          .defaults_to("\"nearest\"")}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
