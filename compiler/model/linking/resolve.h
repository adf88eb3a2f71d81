// Checks a JSON document against its description and fills in what it leaves out.
#pragma once

#include "compiler/model/json/diagnostics.h"
#include "compiler/model/linking/anchor.h"
#include "compiler/model/linking/corrections.h"
#include "compiler/model/tables/attributes.h"

namespace gradc {

/// The object with every key of `spec` that has a constant default or was given, in the order of the
/// description; shorthands are written out, nulls count as left out. All that is wrong is reported, prefixed
/// with `context` (e.g. "layer 'hidden'"). A key whose value is wrong gets its default; where there is none, or
/// the shape of an output depends on it, it is absent and `valid` false. A misspelt key is reported, listed in
/// `corrections`, and then taken as what it was meant to be, so that nothing that follows from it is reported again.
/// Limits of numbers hold in the type they are used in, mostly `float_dtype`.
JsonValue resolve(const JsonValue &value, const ObjectSpec &spec, const std::string &context, DType float_dtype,
                  Diagnostics &diagnostics, Corrections *corrections = nullptr);

/// The same for one member of a family, such as a layer.
JsonValue resolve(const JsonValue &value, const Family &family, const std::string &context, DType float_dtype,
                  Diagnostics &diagnostics);

} // namespace gradc
