// The rates of a model over the steps of a run, drawn.
#pragma once

#include "compiler/model/model.h"

namespace gradc::driver {

/// Prints a drawing of each rate that has a schedule, or writes all of them to `path` as SVG where it is not empty. `steps` is the
/// length of the run; 0: that of training as the model file has it, with the data it names. Throws Error when nothing has a
/// schedule or the length is unknown.
void draw_rates(const Model &model, int64_t steps, const std::string &path);

} // namespace gradc::driver
