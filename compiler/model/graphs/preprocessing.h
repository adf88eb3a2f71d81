// What happens to the values of an input before a layer reads them, and back: raw * scale + offset, then, for a standardized
// input, (x - mean) / deviation of each element over the training examples. It is part of every entry, so that whoever calls
// one hands over raw data.
#pragma once

#include "compiler/model/graphs/declarations.h"
#include "compiler/model/tables/losses.h"

namespace gradc {

/// What layers see of the `raw` values of an input, in the float type of the model; integers as they are. Computed in f64.
Var preprocessed(const ModelInput &, const std::optional<Statistics> &, Var raw, DType float_dtype);

/// The inverse: what `y` (batch first) estimates of such an input, in the units of the raw data, f64. The input has the shape
/// `beside` there, which is broadcast with an example of y.
Var in_own_units(const ModelInput &, const std::optional<Statistics> &, const Shape &beside, LossOperand::Estimates, Var y);

/// Appends what takes a batch into the statistics of an input. The merge is exact in mathematics, whatever the batches:
/// Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances".
/// The deviation is that of the population; it is 1 where all values are equal up to rounding.
void fit_statistics(Graph &, const ModelInput &, const Statistics &, Value raw);

/// Appends their values before anything was fitted, which change no value: mean 0, deviation 1.
void init_statistics(Graph &, const ModelInput &, const Statistics &);

} // namespace gradc
