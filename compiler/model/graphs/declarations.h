// What the graph of an entry declares. Every entry of a model declares the same values in the same order, so that positions of
// inputs and offsets of state agree; gradients alone stand only where they cross entries.
#pragma once

#include "compiler/model/model.h"
#include "ir/formula.h"

#include <map>

namespace gradc {

/// The buffers of a standardized input, f64, in the shape of one example but for `count`, which has rank 0. Prediction reads
/// the first two. The others go on where fitting stopped: how many examples there were, and the sums of the squares of their
/// distances from the mean.
struct Statistics {
  Value mean, deviation, count, squares;
};

/// The buffers of a parameter that is divided by its spectral norm: unit vectors that tend to its singular vectors, of the units
/// and of what each of them reads.
struct SpectralVectors {
  Value u, v;
};

struct Declarations {
  std::vector<Value> inputs;                               // as model.inputs
  std::map<std::string, Value, std::less<>> scalars;       // seed, step, total_steps and the hypers
  std::vector<Value> params;                               // as model.params
  std::vector<size_t> trained;                             // the numbers of those that training changes
  std::map<std::string, size_t, std::less<>> param_of_name; // "hidden.weight"; their numbers
  std::vector<std::vector<Value>> slots;                   // of those that are trained, as the optimizer lists them
  std::vector<Value> grads;                                // of those that are trained; empty where no gradient crosses
  std::vector<Value> averages;                             // of those that are trained; empty where the model keeps none
  std::vector<std::optional<SpectralVectors>> spectral;    // as model.params; of those that are divided by their norm
  std::vector<Value> buffers;                              // as model.buffers
  std::map<std::string, size_t, std::less<>> buffer_of_name; // "norm.running_mean"; their numbers
  std::vector<std::optional<Value>> buffer_averages;       // as model.buffers; of those that training writes, where averages are kept
  std::vector<std::optional<Statistics>> statistics;       // as model.inputs; of those that are standardized

  /// The average of parameter number `param`; nullopt where none is kept.
  std::optional<Value> average_of(size_t param) const;

  bool has_scalar(std::string_view name) const { return scalars.contains(name); }
  /// A run-time argument; InternalFault when there is none of that name.
  Var scalar(const Scope &, std::string_view name) const;
};

/// Declares them all. `batch` is 0 for entries that take no examples.
Declarations declare(Graph &, const Model &, Entry, int64_t batch, DType float_dtype);

/// The place of a parameter in the model file, as JSON pointer.
std::string location_of(const ModelParam &);
std::string location_of(const ModelBuffer &);
std::string location_of(const ModelInput &);
std::string location_of_initializer(const Model &, const ModelParam &);

} // namespace gradc
