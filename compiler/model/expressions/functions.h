// What expressions can call. Operators are functions, too: a + b is add(a, b).
#pragma once

#include "compiler/model/tables/attributes.h"
#include "ir/formula.h"

namespace gradc {

struct ExpressionFunction;

/// What the formula of a function works with. An operand that depends on names has the batch as its first axis; one made of
/// numbers alone has rank 0. Operands of an elementwise function broadcast, and only `conditions` are bools.
struct FunctionBuild {
  const ExpressionFunction &function;
  const JsonValue &keys; // complete
  std::vector<Var> operands;
};

struct ExpressionFunction {
  ObjectSpec spec; // name, doc and keys: axis=0
  size_t operands;
  bool elementwise = false;
  size_t conditions = 0; // so many of the first operands are conditions
  size_t least_axes = 0; // that an operand must have, of those of one example
  /// Throws Error when the shapes do not fit.
  Var (*build)(const FunctionBuild &);
};

/// The shape of an operand without the batch.
Shape of_example(Var operand);

/// Functions of their own, then the elementwise ops of the graph, then activations whose keys may all be left out.
const std::vector<ExpressionFunction> &expression_functions();
/// Null when there is none of that name.
const ExpressionFunction *find_function(std::string_view name);

} // namespace gradc
