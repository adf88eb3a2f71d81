// reshape: the same elements in another shape.
#include "compiler/model/layers/layer.h"

#include <fmt/format.h>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  Shape wanted;
  int64_t known = 1;
  size_t open = 0;
  for (const JsonValue &dim : l.attrs.at("shape").items) {
    wanted.push_back(dim.integer);
    open += dim.integer == -1;
    if (dim.integer != -1 && __builtin_mul_overflow(known, dim.integer, &known))
      throw LayerError("shape", "'shape' has too many elements");
  }
  const LayerInput &input = l.inputs[0];
  const int64_t have = element_count(input.shape);
  if (open > 1)
    throw LayerError("shape", "'shape' may leave only one axis open with -1");
  const bool fits = open == 1 ? known != 0 && have % known == 0 : have == known;
  if (!fits)
    throw LayerError("shape", fmt::format("the {} elements of '{}', shape {}, do not fit shape {}", have,
                                          input.name, to_string(input.shape), to_string(wanted)));
  for (int64_t &dim : wanted)
    dim = dim == -1 ? have / known : dim;
  return wanted;
}

Var build(const LayerBuild &b) { return reshape(b.inputs[0], b.batched(b.output)); }

} // namespace

extern const LayerDef layer_reshape;
const LayerDef layer_reshape = {
    {"reshape",
     "The same elements, row-major, in another shape.",
     {attr::list("shape", attr::integer("", "").at_least(-1).at_most(kMaxDim),
                 "the new shape of an example; one axis may be -1, which is then computed")
          .items(0, kMaxRank - 1)}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
