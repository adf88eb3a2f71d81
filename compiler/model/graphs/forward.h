// The forward pass as a function from inputs to the values of every layer. A builder may call it as often as it wants, with
// other inputs: a discriminator on real and on generated data, a teacher, a perturbed input. All calls read the same
// parameters, and each draws random numbers of its own.
#pragma once

#include "compiler/model/graphs/calibration.h"
#include "compiler/model/graphs/writes.h"
#include "compiler/model/tables/losses.h"

namespace gradc {

class Forward {
public:
  /// All arguments outlive the object. `stand_ins` collects what drop_stand_ins() needs once the graph is differentiated.
  Forward(Graph &, const Model &, const Declarations &, StandIns &stand_ins, DType float_dtype);

  /// The value of every input, as layers see it, and of every layer, by Source, all with the batch in front. `inputs`:
  /// preprocessed, as model.inputs, with one batch in front of each. `training` says whether layers such as dropout do what
  /// they do in training alone. With a calibration, what its parameters make is scaled by it.
  std::vector<Value> operator()(const std::vector<Value> &inputs, bool training, Calibration *calibration = nullptr);

  /// The declared inputs of the entry, preprocessed.
  std::vector<Value> declared_inputs();

  /// The sum of the losses over the values of a call, and of the regularizers of the parameters; in the model's float type.
  Value loss(const std::vector<Value> &values);
  /// One of the losses as a fraction, which may be added up over batches.
  LossFraction fraction(const Scope &, const ModelLoss &, const std::vector<Value> &values) const;
  /// The sum of the regularizers of parameters and, over the values of a call, of outputs; nullopt where there are none.
  std::optional<Value> penalty(const std::vector<Value> &values);

  /// What the calls in training have made of buffers.
  const Writes &writes() const { return writes_; }

  /// A run-time argument in the model's float type.
  Var hyper(const Scope &, std::string_view name) const;

private:
  /// A value of the whole batch once for each example.
  Var repeated(Var value, int64_t batch) const;
  /// What layer number `index` makes of the `values` of others.
  Var layer(size_t index, const Scope &, const std::vector<Value> &values, int64_t batch, bool training, Calibration *);
  LossTerms terms(const Scope &, const ModelLoss &, const std::vector<Value> &values) const;
  /// Buffer number `buffer` as a layer sees it.
  Value seen_buffer(size_t buffer, bool training) const;

  Graph &graph_;
  const Model &model_;
  const Declarations &declared_;
  StandIns &stand_ins_;
  const DType float_;
  int64_t calls_ = 0; // so far
  Writes writes_;
};

} // namespace gradc
