// dense: y = activation(x W + b) along the last axis.
#include "compiler/model/layers/weighted/linear.h"

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const int64_t in = features(l.inputs[0]), out = l.attrs.integer_at("units");
  declare_linear(l, {in, out});
  Shape output = l.inputs[0].shape;
  output.back() = out;
  return output;
}

Var build(const LayerBuild &b) {
  // One letter an axis, the batch among them: "abi,io->abo".
  const std::string outer = std::string("abcdefgh").substr(0, b.inputs[0].shape().size() - 1);
  const Var y = apply("contract", {b.inputs[0], linear_weight(b)}, {{"indices", outer + "i,io->" + outer + "o"}});
  return biased_and_activated(b, "weight", y);
}

} // namespace

extern const LayerDef layer_dense;
const LayerDef layer_dense = {
    {"dense",
     "activation(x W + b) along the last axis; W is [inputs, units].",
     with_linear_keys({attr::integer("units", "size of the last axis of the output").at_least(1).at_most(kMaxDim)})},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
