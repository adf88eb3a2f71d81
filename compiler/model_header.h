// The C header of a compiled model.
#pragma once

#include "compiler/codegen/emit_model.h"

namespace gradc {

/// Typed inline functions around the table: <name>_create, _init, _train_step, _predict, _save, _load, _destroy, and
/// constants for sizes. Self-contained but for gradc.h; C99 and C++.
std::string model_header(const ModelSpec &);

} // namespace gradc
