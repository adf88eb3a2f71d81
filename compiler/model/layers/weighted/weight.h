// The matrix of weights that layers such as dense have, and the keys that say what it keeps to.
#pragma once

#include "compiler/model/layers/layer.h"

namespace gradc {

/// A layer's own keys, and "l1", "l2", "constraint" and their kin.
std::vector<Attr> with_weight_keys(std::vector<Attr> own);

/// Whether a key says something of a layer's weights alone: how they begin, and what they keep to.
bool is_weight_key(std::string_view);

/// A parameter to which those keys apply; the run-time arguments that they name are declared. A layer may have several.
LayerParam weight_param(LayerShapes &, std::string name, Shape shape, JsonValue initializer);

} // namespace gradc
