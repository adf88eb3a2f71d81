// How messages show a value of the file.
#pragma once

#include "compiler/model/json/diagnostics.h"

namespace gradc {

/// Where to point for what is wrong with an object as a whole: its "type" or "name", else its opening brace.
Span anchor(const JsonValue &object);

/// A value as the user wrote it, short enough for a message.
std::string as_written(const JsonValue &, const Diagnostics &);

} // namespace gradc
