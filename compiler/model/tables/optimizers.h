// Optimizers: the rule that turns a gradient into an update of a parameter.
#pragma once

#include "compiler/model/tables/attributes.h"
#include "ir/formula.h"

#include <functional>
#include <span>

namespace gradc {

/// What a rule sees before it looks at one parameter after the other. All values have the dtype of the model.
struct OptimizerPreparation {
  std::vector<Var> w, g; // of every parameter
  /// A run-time argument, rank 0; nullopt where the model has none of that name.
  std::function<std::optional<Var>(std::string_view)> hyper;
};

/// One parameter's update. All values have the dtype of the model; the scalars are rank 0.
struct OptimizerStep {
  const JsonValue &attrs;
  Var w, g;
  Var learning_rate;
  Var count;                                 // f64[]: updates including this one, from 1
  std::optional<Var> weight_decay;           // for rules that do not add it to the gradient
  std::function<Var(std::string_view)> slot; // its old value
  std::function<void(std::string_view, Var)> set_slot; // its new value
};

struct OptimizerDef {
  ObjectSpec spec;
  /// The gradients that the update takes: what needs all of them at once is done here.
  std::vector<Var> (*prepare)(const OptimizerPreparation &);
  /// Names of the slots of a parameter, all of its shape, 0 at first.
  std::vector<std::string_view> (*slots)(const JsonValue &attrs);
  /// The new w; sets the new value of every slot.
  Var (*update)(const OptimizerStep &);
};

const Family &optimizers();
/// Keys of every optimizer that are run-time arguments where they are not 0.
std::span<const std::string_view> optional_hypers();
/// InternalFault when there is none of that type.
const OptimizerDef &find_optimizer(std::string_view type);

} // namespace gradc
