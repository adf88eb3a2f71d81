// one_hot: integers as vectors that are 1 at their number.
#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/losses.h"

#include <fmt/format.h>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  if (!is_integer(input.dtype))
    throw LayerError("", fmt::format("needs integers, but '{}' holds {}", input.name, to_string(input.dtype)));
  Shape output = input.shape;
  output.push_back(l.attrs.integer_at("classes"));
  return output;
}

Var build(const LayerBuild &b) { return cast(one_hot(b.inputs[0], b.output.back()), b.dtype); }

} // namespace

extern const LayerDef layer_one_hot;
const LayerDef layer_one_hot = {
    {"one_hot",
     "An integer k as a vector that is 1 at k and 0 elsewhere, along a new last axis; all 0 where k is no class.",
     {attr::integer("classes", "size of the new axis").at_least(1).at_most(kMaxDim)}},
    1,
    1,
    shapes,
    build,
    true,
};

} // namespace gradc
