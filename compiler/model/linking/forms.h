// Whether a JSON value has a form that an attribute takes, before anything inside it is looked at.
#pragma once

#include "compiler/model/tables/attributes.h"

namespace gradc {

/// Is `value` of a JSON kind that the attribute could take? Tells the alternatives of any_of apart.
bool could_be(const JsonValue &value, const Attr &attr);

/// How a value is written that is right but for its form: a bare name, a list for an object, a number in quotes.
/// `; write {"shape": ...}` or "".
std::string form_hint(const JsonValue &value, const Attr &attr);

} // namespace gradc
