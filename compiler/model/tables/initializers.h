// Initial values of parameters.
#pragma once

#include "compiler/model/tables/attributes.h"
#include "ir/formula.h"

namespace gradc {

const Family &initializers();

/// The initial value of a parameter of type `type`, from a resolved initializer. Random values are a function
/// of the seed and `stream`. Fan-in is the product of all dims but the last, fan-out the last dim. `step` is
/// a rank-0 i64 zero.
Var initial_value(const JsonValue &initializer, const Type &type, Var seed, Var step, int64_t stream);

/// What is wrong with a resolved initializer of a parameter of that shape beyond its single values; "" when nothing is.
std::string problem_of(const JsonValue &initializer, const Shape &);

} // namespace gradc
