// The optimizer's rule as nodes: from the gradients of all parameters to the new values of parameters and slots.
#pragma once

#include "compiler/model/graphs/declarations.h"

namespace gradc {

/// Appends the update. `gradients` as model.params. The learning rate is that of the step: a schedule is an entry of its own.
void append_update(Graph &, const Model &, const Declarations &, const std::vector<Value> &gradients,
                   DType float_dtype);

} // namespace gradc
