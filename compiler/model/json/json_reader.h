// Reads JSON text into a tree with positions.
#pragma once

#include "compiler/model/json/diagnostics.h"
#include "compiler/model/json/json_tree.h"

#include <optional>

namespace gradc {

constexpr size_t kMaxJsonDepth = 64; // so that walks over the tree may recurse

/// Reads source number `source` of `diagnostics`. Reports malformed JSON (nullopt), nesting deeper than
/// kMaxJsonDepth (nullopt) and duplicate keys, each with the place of the first (the first value is kept, the
/// tree is returned).
std::optional<JsonValue> read_json(uint32_t source, Diagnostics &diagnostics);

/// Reads JSON written in gradc's own tables; every span is `span`. InternalFault when it is malformed.
JsonValue read_literal(std::string_view text, Span span);

} // namespace gradc
