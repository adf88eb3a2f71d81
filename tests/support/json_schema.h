// A validator for the part of JSON Schema (draft-07) that gradc writes.
#pragma once

#include <nlohmann/json.hpp>

namespace gradc::tests {

/// Does the document satisfy the schema? Throws std::logic_error for a keyword that is not known here, so that none is passed over.
bool satisfies(const nlohmann::ordered_json &document, const nlohmann::ordered_json &schema);

} // namespace gradc::tests
