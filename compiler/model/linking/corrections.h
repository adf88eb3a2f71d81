// Misspelt keys that are taken as what they were meant to be.
#pragma once

#include "compiler/model/json/json_tree.h"

#include <map>
#include <string>

namespace gradc {

/// Keys that are not of the format, by source and first byte, and what each was likely meant to be.
using Corrections = std::map<std::pair<uint32_t, size_t>, std::string>;

/// Gives the keys of the tree the names that they were meant to have.
void correct_keys(JsonValue &root, const Corrections &corrections);

} // namespace gradc
