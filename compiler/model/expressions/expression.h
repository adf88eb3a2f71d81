// Formulas that a model file holds as text, such as "mean(square(a - b)) + 0.1 * mean(abs(h))": from text to a tree that knows
// its places, and from there to nodes of a graph. Shapes are those of one example; the batch is implicit.
#pragma once

#include "compiler/model/expressions/functions.h"

namespace gradc {

/// A mistake in bytes [begin, end) of the text.
struct ExpressionError : Error {
  ExpressionError(const std::string &message, size_t begin, size_t end) : Error(message), begin(begin), end(end) {}
  size_t begin, end;
};

/// The tree as a list in which operands stand before what is made of them; the whole is last. So nothing that walks it
/// recurses.
struct Expression {
  struct Node {
    size_t begin, end;                             // of the number, the name, the operator or the name of the function
    const ExpressionFunction *function = nullptr;  // null: a number or a name
    std::optional<size_t> name = {};               // its position in `names`
    double number = 0;
    std::vector<size_t> operands = {};             // positions in `nodes`
    JsonValue keys = {};                           // of a function, complete
  };
  struct Name {
    std::string text;
    size_t begin, end; // where it stands first
  };
  std::vector<Node> nodes;
  std::vector<Name> names; // each once, in the order of the text
};

constexpr size_t kMaxExpressionDepth = 64;    // of parentheses, calls and signs
constexpr size_t kMaxExpressionParts = 10000; // numbers, names, operators and functions

/// Reads the text, which names at least one value. Throws ExpressionError.
Expression parse_expression(std::string_view text);

/// Appends the nodes. `values` are those of the names, batch first, floats of any type or integers. The result, batch first
/// too, is computed in `dtype`. Throws ExpressionError where shapes or kinds of values do not fit.
Var expand(const Expression &, const std::vector<Var> &values, DType dtype);

/// The shape of an example, for `values` of these types of one example. Throws ExpressionError as expand() does.
Shape shape_of(const Expression &, const std::vector<Type> &values);

} // namespace gradc
