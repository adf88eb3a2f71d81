// Values given on the command line that replace values of the model file.
#pragma once

#include "compiler/model/json/diagnostics.h"

namespace gradc {

/// Applies "path.in.model=value" to `root`. The argument becomes a source of its own, so that later errors
/// point into it. Reports paths that do not exist.
void apply_override(JsonValue &root, const std::string &text, Diagnostics &diagnostics);

} // namespace gradc
