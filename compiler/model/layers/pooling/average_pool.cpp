// What average_pool1d and average_pool2d have in common: sums of windows, divided by how many elements they have.
#include "compiler/model/layers/pooling/pool.h"

namespace gradc {
namespace {

/// How many elements the windows along an axis have, for each position.
std::vector<double> counts_of(const SlidingAxis &a, bool with_padding) {
  std::vector<double> counts;
  for (int64_t position = 0; position < a.positions; ++position)
    counts.push_back(static_cast<double>(
        a.elements_inside(position, with_padding ? -a.before : 0, a.extent + (with_padding ? a.after : 0))));
  return counts;
}

/// The product of the counts along all axes: a number where all windows have the same, else [positions..., 1].
Var count_of(Var like, const SlidingAxes &axes, bool with_padding) {
  double same = 1;
  std::optional<Var> different;
  for (size_t i = 0; i < axes.size(); ++i) {
    std::vector<double> counts = counts_of(axes[i], with_padding);
    if (std::equal(counts.begin() + 1, counts.end(), counts.begin())) {
      same *= counts[0];
      continue;
    }
    Shape shape(axes.size() + 1, 1);
    shape[i] = axes[i].positions;
    const Var count = source(*like.scope, "constant", {{"values", std::move(counts)}}, Type{like.dtype(), shape});
    different = different ? *different * count : count;
  }
  return !different ? number_like(like, same) : same == 1 ? *different : *different * same;
}

} // namespace

std::vector<Attr> average_pool_keys(size_t axes) {
  std::vector<Attr> keys =
      pool_keys(axes, "elements around the image: none (valid), as many as give the output the extents of the input divided by "
                      "the strides (same), or for all axes or each axis how many, on both sides or [before, after]");
  keys.push_back(attr::boolean("count_include_pad",
                               "whether padding counts, as zeros; else the mean is that of the elements of the image, as in "
                               "Keras; true is the default of PyTorch")
                     .defaults_to("false"));
  keys.push_back(ceil_mode_key());
  return keys;
}

Var build_average_pool(const LayerBuild &b) {
  const SlidingAxes axes = pool_axes(b);
  const auto [view, elements] = windows_of(b.inputs[0], axes, 0);
  return sum(view, elements, false) / count_of(view, axes, b.attrs.boolean_at("count_include_pad"));
}

} // namespace gradc
