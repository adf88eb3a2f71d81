// Optimizers: the rule that turns a gradient into an update of a parameter.
#pragma once

#include "compiler/model/tables/attributes.h"
#include "ir/formula.h"

#include <functional>
#include <span>

namespace gradc {

/// What a rule sees before it looks at one parameter after the other. All values have the dtype of the model.
struct OptimizerPreparation {
  const JsonValue &attrs;
  std::vector<Var> w, g; // of every parameter
  std::vector<double> decay_factors; // of weight decay; 0: the parameter does not decay
  Var count;                         // f64[]: updates including this one, from 1
  /// Standard normal numbers of the shape of a parameter, drawn anew in every step.
  std::function<Var(size_t parameter)> normal;
  /// A run-time argument, rank 0; nullopt where the model has none of that name.
  std::function<std::optional<Var>(std::string_view)> hyper;
};

/// One parameter's update. All values have the dtype of the model; the scalars are rank 0.
struct OptimizerStep {
  const JsonValue &attrs;
  Var w, g;
  Var learning_rate;
  Var count;                                           // f64[]: updates including this one, from 1
  std::optional<Var> weight_decay;                     // for rules that do not add it to the gradient
  std::function<Var(std::string_view)> slot;           // its old value
  std::function<void(std::string_view, Var)> set_slot; // its new value
};

/// What an optimizer keeps of a parameter between two updates; 0 at first.
struct Slot {
  std::string_view name;
  bool is_scalar = false; // of rank 0, else of the shape of the parameter
};

/// How weight decay acts: added to the gradient unless "decoupled_weight_decay" says otherwise, always on the weights
/// themselves
/// (w (1 - rate weight_decay), before the rule), or as the rule has it.
enum class Decay : uint8_t { either, decoupled, own };

struct OptimizerDef {
  ObjectSpec spec;
  Decay decay;
  /// Of a parameter of that shape.
  std::vector<Slot> (*slots)(const JsonValue &attrs, const Shape &);
  /// The new w; sets the new value of every slot.
  Var (*rule)(const OptimizerStep &);
  /// What is wrong with values that are right each alone.
  std::optional<Mistake> (*check)(const JsonValue &attrs) = nullptr;

  /// The gradients that the update takes: clipped, and with the decay that belongs to them.
  std::vector<Var> prepare(const OptimizerPreparation &) const;
  /// The new w, decoupled decay included.
  Var update(OptimizerStep) const;

private:
  bool is_decoupled(const JsonValue &attrs) const;
};

const Family &optimizers();
/// Keys of every optimizer that are run-time arguments where they are not 0.
std::span<const std::string_view> optional_hypers();
/// The run-time argument that models with "accumulate" have.
const Attr &gradient_weight();
/// InternalFault when there is none of that type.
const OptimizerDef &find_optimizer(std::string_view type);

} // namespace gradc
