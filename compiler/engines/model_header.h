// The C header of a compiled model.
#pragma once

#include "compiler/codegen/entries/emit_model.h"

namespace gradc {

/// Typed inline functions around the table (<name>_create, _train_step, _predict, _save, ...), macros for sizes and
/// hyperparameters, and the interface they stand on, runtime/gradc.h, so that nothing else is needed. C99 and C++.
std::string model_header(const ModelSpec &);

} // namespace gradc
