// What people call the places in a model file that nodes come from.
#pragma once

#include "compiler/model/model.h"

#include <functional>

namespace gradc {

/// The name of a layer, metric or input, or "loss" or "optimizer"; "" for a location that tells nothing.
std::string place_name(const Model &, const std::string &location);

/// The same as a function of the location alone; that of a graph without a model always gives "".
using PlaceNames = std::function<std::string(const std::string &location)>;
PlaceNames place_names(const Model &);
inline std::string no_names(const std::string &) { return ""; }

} // namespace gradc
