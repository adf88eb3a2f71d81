// What a call of runtime/gradc.h brings to the graph of its entry, as tensors of the reference interpreter.
#pragma once

#include "compiler/codegen/entries/emit_model.h"
#include "ir/interpreter.h"
#include "runtime/gradc.h"

namespace gradc {

/// Where a value that the plan has put into an arena lies in the memory of a call.
char *address_of(const gradc_call &, const Placement &);

/// A value for every declaration of a planned graph of `spec`; zeros for those that nothing reads. The call is one that the
/// entry takes: pointers that the graph needs are there.
Bindings call_values(const gradc_call &, const ModelSpec &spec, const Graph &planned);

} // namespace gradc
