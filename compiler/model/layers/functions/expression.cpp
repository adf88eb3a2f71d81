// expression: a formula over the inputs and layers that it names.
#include "compiler/model/expressions/expression.h"
#include "compiler/model/layers/layer.h"

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  std::vector<Type> types;
  for (const LayerInput &input : l.inputs)
    types.push_back({input.dtype, input.shape});
  return shape_of(parse_expression(l.attrs.string_at("of")), types);
}

Var build(const LayerBuild &b) { return expand(parse_expression(b.attrs.string_at("of")), b.inputs, b.dtype); }

} // namespace

extern const LayerDef layer_expression;
const LayerDef layer_expression = {
    {"expression",
     "A formula over the inputs and layers that it names, which are what it reads. Reductions work within one example.",
     {attr::expression("of", "the formula, such as \"a * sigmoid(b) + 1\"")}},
    1,
    kAnyNumber,
    shapes,
    build,
    true,
};

} // namespace gradc
