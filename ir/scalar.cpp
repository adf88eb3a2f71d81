// The table of scalar operations, and what they compute, from scalar_ops.inc.
#include "ir/scalar.h"

#include "ir/error.h"
#include "ir/philox.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradc {
namespace {

constexpr ScalarOpRow kRows[] = {
#define GRADC_SCALAR_OP(name, arity, symbol, result, cost, flop, on_floats, on_integers)                                \
  {#name, arity, symbol, ScalarResult::result, ScalarCost::cost, flop},
#include "ir/scalar_ops.inc"
#undef GRADC_SCALAR_OP
};

// What the columns of values are written with.

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

bool either_nan(double x, double y) { return std::isunordered(x, y); }

/// Written so that exp never overflows.
double sigmoid(double x) {
  if (x >= 0)
    return 1 / (1 + std::exp(-x));
  double e = std::exp(x);
  return e / (1 + e);
}

/// Toward zero, to the nearest number of the integer type when out of its range, NaN to 0. The upper limit of
/// i64 is not a double: 2^63 stands for it, and Tensor::set brings it back into range.
double cast_float(double x, DType result) {
  if (is_float(result))
    return x;
  if (result == DType::boolean)
    return x != 0;
  if (std::isnan(x))
    return 0;
  double low = result == DType::i32 ? -0x1p31 : -0x1p63;
  double high = result == DType::i32 ? 0x1p31 - 1 : 0x1p63;
  return std::trunc(std::clamp(x, low, high)) + 0.0; // no integer is -0
}

/// An int64 whose sums and products wrap, which signed arithmetic in C++ must not. Quotients go toward zero; x / 0 = 0, and
/// the one quotient that is out of range wraps.
struct Integer {
  int64_t value;
  Integer(int64_t v = 0) : value(v) {}
  friend auto operator<=>(Integer, Integer) = default;
};
Integer wrapped(uint64_t bits) { return static_cast<int64_t>(bits); }
uint64_t bits(Integer x) { return static_cast<uint64_t>(x.value); }
Integer operator-(Integer x) { return wrapped(-bits(x)); }
Integer operator+(Integer x, Integer y) { return wrapped(bits(x) + bits(y)); }
Integer operator-(Integer x, Integer y) { return wrapped(bits(x) - bits(y)); }
Integer operator*(Integer x, Integer y) { return wrapped(bits(x) * bits(y)); }
Integer operator/(Integer x, Integer y) {
  if (y == 0)
    return 0;
  return y == -1 ? -x : Integer(x.value / y.value);
}

Integer floordiv(Integer x, Integer y) {
  internal_check(y > 0, "floordiv and floormod need a positive divisor");
  return x.value / y.value - (x.value % y.value < 0);
}

[[noreturn]] void undefined(ScalarOp op, DType operand) {
  throw InternalFault(std::string(to_string(op)) + " is not defined on " + std::string(to_string(operand)));
}

template <typename T> struct Operands {
  T x = 0, y = 0, z = 0, w = 0;
};
/// Reads no more of them than there are.
template <int arity, typename T> Operands<T> operands(const auto *args) {
  if constexpr (arity == 1)
    return {args[0]};
  else if constexpr (arity == 2)
    return {args[0], args[1]};
  else if constexpr (arity == 3)
    return {args[0], args[1], args[2]};
  else
    return {args[0], args[1], args[2], args[3]};
}

Integer evaluate_integers(ScalarOp op, DType operand, const int64_t *args) {
  auto undefined = [&]() -> Integer { gradc::undefined(op, operand); };
  switch (op) {
#define GRADC_SCALAR_OP(name, arity, symbol, result, cost, flop, on_floats, on_integers)                                \
  case ScalarOp::name: {                                                                                               \
    [[maybe_unused]] const auto [x, y, z, w] = operands<arity, Integer>(args);                                         \
    return on_integers;                                                                                                \
  }
#include "ir/scalar_ops.inc"
#undef GRADC_SCALAR_OP
  }
  throw InternalFault("unknown scalar op");
}

} // namespace

const ScalarOpRow &row_of(ScalarOp op) { return kRows[static_cast<size_t>(op)]; }

std::optional<ScalarOp> parse_scalar_op(std::string_view name) {
  auto it = std::ranges::find(kRows, name, &ScalarOpRow::name);
  if (it == std::end(kRows))
    return std::nullopt;
  return static_cast<ScalarOp>(it - std::begin(kRows));
}

double evaluate_scalar(ScalarOp op, DType operand, DType result, const double *args) {
  auto undefined = [&]() -> double { gradc::undefined(op, operand); };
  if (!is_float(operand))
    return undefined();
  switch (op) {
#define GRADC_SCALAR_OP(name, arity, symbol, result_dtype, cost, flop, on_floats, on_integers)                          \
  case ScalarOp::name: {                                                                                               \
    [[maybe_unused]] const auto [x, y, z, w] = operands<arity, double>(args);                                          \
    return on_floats;                                                                                                  \
  }
#include "ir/scalar_ops.inc"
#undef GRADC_SCALAR_OP
  }
  throw InternalFault("unknown scalar op");
}

int64_t evaluate_scalar(ScalarOp op, DType operand, DType result, const int64_t *args) {
  if (is_float(operand))
    undefined(op, operand);
  const int64_t value = evaluate_integers(op, operand, args).value;
  if (result == DType::boolean)
    return value != 0;
  return result == DType::i32 ? static_cast<int32_t>(value) : value;
}

} // namespace gradc
