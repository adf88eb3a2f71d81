// A model as files: relocatable object, shared object, C header.
#pragma once

#include "compiler/engines/object.h"

namespace gradc {

/// Writes <path> as a shared object that needs nothing but libc and exports only <name>_model. Written to a temporary
/// file first, then renamed. Throws Error when it cannot be written.
void write_shared_object(const ModelSpec &, const CodegenOptions &, const std::string &path);
/// The object alone; the caller links it with the runtime core.
void write_object(const ModelSpec &, const CodegenOptions &, const std::string &path);

/// Writes bytes to a temporary file beside `path` and renames it. Throws Error.
void write_file_atomically(const std::string &path, std::string_view bytes);

} // namespace gradc
