// rbf: radial basis functions, a bell around each of several learned centers. Broomhead and Lowe 1988.
#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/initializers.h"

#include <cmath>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  const int64_t units = l.attrs.integer_at("units");
  l.params.push_back({"centers", {units, features(input)}, l.attrs.at("center_initializer")});
  if (l.attrs.boolean_at("learn_width")) {
    JsonValue width = JsonValue::object(l.attrs.span);
    width.set("type", JsonValue::of(std::string("constant"), l.attrs.span));
    width.set("value", JsonValue::of(std::log(l.attrs.number_at("width")), l.attrs.span));
    l.params.push_back({"log_width", {units}, std::move(width)});
  }
  Shape output = input.shape;
  output.back() = units;
  return output;
}

/// The squares are summed as they stand: |x|^2 - 2 x c + |c|^2 would lose the digits of small distances.
Var build(const LayerBuild &b) {
  Shape rows = b.batched(b.output);
  rows.back() = 1;
  rows.push_back(b.inputs[0].shape().back());
  const Var square_distance = sum_last(square(reshape(b.inputs[0], rows) - b.param("centers")));
  if (!b.attrs.boolean_at("learn_width"))
    return exp(square_distance * (-0.5 / std::pow(b.attrs.number_at("width"), 2)));
  return exp(-0.5 * square_distance * exp(-2 * b.param("log_width")));
}

} // namespace

extern const LayerDef layer_rbf;
const LayerDef layer_rbf = {
    {"rbf",
     "exp(-d^2 / (2 width^2)) for the distance d of the last axis of x to each of `units` learned centers.",
     {attr::integer("units", "how many centers; size of the last axis of the output").at_least(1).at_most(kMaxDim),
      attr::number("width", "the width of every bell, its initial value where it is learned").at_least(1e-15).defaults_to("1"),
      attr::boolean("learn_width", "whether each center learns a width, by its logarithm").defaults_to("false"),
      attr::one_of("center_initializer", initializers(), "initial centers, [units, inputs]")
          .defaults_to("{\"type\": \"normal\", \"stddev\": 1}")}},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
