// Examples for a model whose data is not there.
#pragma once

#include "compiler/model/model.h"
#include "runtime/train/data/dataset.h"

namespace gradc {

/// `rows` examples, a function of the seed, all of them to train on: labels from among the classes, other integers 0 or 1,
/// floats that after preprocessing lie in the domain that the losses want, uniformly; those without one in [-1, 1].
runtime::Dataset made_up_data(const Model &, int64_t rows, int64_t seed, DType float_dtype);

} // namespace gradc
