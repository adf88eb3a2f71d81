// A model as files: relocatable object, shared object, C header.
#pragma once

#include "compiler/engines/object.h"

namespace gradc {

/// Writes <path> as a shared object that needs nothing but libc and exports only <name>_model. Throws Error when it
/// cannot be written.
void write_shared_object(const CompiledModel &, const std::string &path);
/// The object alone; the caller links it with the runtime core.
void write_object(const CompiledModel &, const std::string &path);

/// The bytes as the contents of `path`, whole or not at all, as runtime/core/write_file.h does it. What is made again at
/// no great cost need not be `durable`. Throws Error.
void write_whole_file(const std::string &path, std::string_view bytes, bool durable = true);

} // namespace gradc
