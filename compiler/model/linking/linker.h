// Second half of loading: names become references, shapes follow from them, and what is left out gets its
// computed default.
#pragma once

#include "compiler/model/linking/expand_blocks.h"
#include "compiler/model/model.h"

namespace gradc {

/// Fills in `model` from its resolved document, completing the document. `raw` is the file as written: what a
/// wrong layer is called and reads is still known from there. The layers of both are `expanded`. The model is unusable when
/// errors were reported.
void link(Model &model, const JsonValue &raw, const ExpandedLayers &expanded, Diagnostics &diagnostics);

/// Checks train.data against the inputs.
void check_data(Model &model, const std::vector<bool> &types_known, Diagnostics &diagnostics);

} // namespace gradc
