// What the rules of optimizers have in common, and the families they are listed in.
#pragma once

#include "compiler/model/tables/optimizers.h"

namespace gradc {

std::vector<OptimizerDef> momentum_family();
std::vector<OptimizerDef> adam_family();
std::vector<OptimizerDef> sign_family();
std::vector<OptimizerDef> layerwise_family();
std::vector<OptimizerDef> matrix_family();

/// An optimizer with the keys that all have and those of its `own`. The default of the decay is "0" unless given.
struct OptimizerRow {
  std::string_view name, doc, default_rate;
  std::vector<Attr> own;
  std::vector<Slot> (*slots)(const JsonValue &attrs, const Shape &);
  Var (*rule)(const OptimizerStep &);
  Decay decay = Decay::either;
  std::string_view default_decay = "0";
  std::optional<Mistake> (*check)(const JsonValue &attrs) = nullptr;
};
OptimizerDef optimizer(OptimizerRow);

/// v = momentum v + g, in the slot "v".
Var velocity(const OptimizerStep &, Var g);
/// The moving average b a + (1 - b) x, which becomes the slot's value.
Var average(const OptimizerStep &, std::string_view slot, double b, Var x);
/// 1 - b^n, f64[]: the weights of a moving average that began at 0 sum to this after n steps. Computed without
/// cancellation.
Var collected(double b, Var n);
/// Kingma and Ba 2015: w - rate m' / (sqrt(v') + epsilon) with m' and v' the averages of g and g^2 divided by what they have
/// collected. With amsgrad (Reddi, Kale and Kumar 2018) v is the largest that it was, in the slot "vmax".
Var adam_rule(const OptimizerStep &, bool amsgrad);
/// beta1, beta2 and epsilon.
std::vector<Attr> adam_keys(std::string_view beta2 = "0.999", std::string_view epsilon = "1e-8");
/// sqrt(sum(x^2)), rank 0.
Var norm(Var x);
/// `factor` * numerator / denominator, and 1 where one of the two is 0; all of rank 0.
Var trust_ratio(double factor, Var numerator, Var denominator);
Attr share_of_velocity(std::string_view default_json);

} // namespace gradc
