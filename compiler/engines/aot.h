// A model as a file: shared object or relocatable object, with the runtime core inside.
#pragma once

#include "compiler/engines/object.h"

namespace gradc {

/// Writes <path> as a shared object that needs nothing but libc and exports only <name>_model. Throws runtime::Error when
/// it cannot be written.
void write_shared_object(const CompiledModel &, const std::string &path);
/// The same as a relocatable object, for a program that wants to be one file.
void write_object(const CompiledModel &, const std::string &path);

} // namespace gradc
