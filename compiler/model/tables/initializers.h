// Initial values of parameters.
#pragma once

#include "compiler/model/tables/attributes.h"
#include "ir/formula.h"

namespace gradc {

struct Initial;

const Family &initializers();

/// The initial value of a parameter, from a resolved initializer. Random values are a function of the seed and the stream. Fan-in
/// is the product of all dims but the last, fan-out that of all but the last but one. Throws Error when a file of values does
/// not fit.
Var initial_value(const Initial &);

/// Is the value scaled by the entry `calibrate`, which sees data?
bool is_calibrated(const JsonValue &initializer);

/// What is wrong with a resolved initializer of a parameter of that shape beyond its single values; "" when nothing is.
std::string problem_of(const JsonValue &initializer, const Shape &);

} // namespace gradc
