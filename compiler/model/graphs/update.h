// The optimizer's rule as nodes: from the gradients of all parameters to the new values of parameters and slots.
#pragma once

#include "compiler/model/graphs/declarations.h"
#include "compiler/model/graphs/writes.h"

namespace gradc {

/// Appends the update. `gradients` as model.params. The learning rate is that of the step: a schedule is an entry of its own.
/// `writes` is what the same entry makes of buffers, which are averaged as parameters are.
void append_update(Graph &, const Model &, const Declarations &, const std::vector<Value> &gradients, const Writes &writes,
                   DType float_dtype);

} // namespace gradc
