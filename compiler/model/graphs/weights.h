// Parameters as layers see them, which may differ from what is trained: averaged over the updates, with noise, divided by their
// spectral norm.
#pragma once

#include "compiler/model/graphs/declarations.h"
#include "compiler/model/graphs/writes.h"

namespace gradc {

/// Parameter number `param`. In training it may have noise, drawn anew in every step, and its spectral vectors advance by a power
/// iteration, which is written; else the average takes its place where the model says so.
Var seen_weight(const Model &, const Declarations &, const Scope &, size_t param, bool training, Writes &);

/// The spectral vectors that begin with the initial value of parameter number `param`.
void init_spectral(Graph &, const Model &, const Declarations &, size_t param, Var initial);

} // namespace gradc
