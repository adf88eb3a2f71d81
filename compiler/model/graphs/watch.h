// What a run that is watched shows of a step.
#pragma once

#include "compiler/model/model.h"

namespace gradc {

/// A graph that declares what an entry does and changes nothing. It returns, in f64, for each parameter that is trained
/// "<parameter>.gradient", the sum of the squares of its gradient by the step that `train_step` would take, and for each layer
/// with a rectifier "<layer>.active", in the shape of an example: how many examples have an output that is not 0. No library
/// has such an entry.
Graph build_watch(const Model &, int64_t batch, DType float_dtype);

} // namespace gradc
