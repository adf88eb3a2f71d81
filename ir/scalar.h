// The scalar operations of kernels: a row of scalar_ops.inc each. Everything else (codegen, identities) agrees with what
// evaluate_scalar says.
#pragma once

#include "ir/type.h"

#include <optional>
#include <string_view>

namespace gradc {

enum class ScalarOp : uint8_t {
#define GRADC_SCALAR_OP(name, ...) name,
#include "ir/scalar_ops.inc"
#undef GRADC_SCALAR_OP
};
constexpr int kScalarOpCount = 0
#define GRADC_SCALAR_OP(...) +1
#include "ir/scalar_ops.inc"
#undef GRADC_SCALAR_OP
    ;

enum class ScalarResult : uint8_t { operand, boolean, i32 };
enum class ScalarCost : uint8_t { simple, root, function };

/// What the row of an operation says; scalar_ops.inc explains the columns.
struct ScalarOpRow {
  std::string_view name;
  size_t arity;
  std::string_view symbol; // "" where it is written as a call
  ScalarResult result;
  ScalarCost cost;
  int flop;
};
const ScalarOpRow &row_of(ScalarOp);
inline std::string_view to_string(ScalarOp op) { return row_of(op).name; }
std::optional<ScalarOp> parse_scalar_op(std::string_view);
/// Computing it again costs more than reading it back from the nearest cache.
inline bool is_expensive(ScalarOp op) { return row_of(op).cost == ScalarCost::function; }

/// The value of an op on doubles, or on int64 where operands are integers or bools; the definition both the interpreter
/// and constant folding use. `operand` is the dtype of the operands, `result` that of the result. An op that is not defined
/// on such operands is an InternalFault.
double evaluate_scalar(ScalarOp op, DType operand, DType result, const double *args);
int64_t evaluate_scalar(ScalarOp op, DType operand, DType result, const int64_t *args);

} // namespace gradc
