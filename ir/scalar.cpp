// The scalar operations: their names and what they compute. Everything else (codegen, simplification) must
// agree with these two functions.
#include "ir/error.h"
#include "ir/kernel.h"
#include "ir/philox.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace gradc {

static constexpr std::array<std::string_view, kScalarOpCount> kNames = {
    "neg",   "abs",  "sign",    "floor",   "exp",      "log",         "log1p",       "expm1", "sqrt",
    "rsqrt", "tanh", "sigmoid", "erf",     "sin",      "cos",         "logical_not", "add",   "sub",
    "mul",   "div",  "pow",     "maximum", "minimum",  "logical_and", "logical_or",  "lt",    "le",
    "eq",    "ne",   "gt",      "ge",      "floordiv", "floormod",    "select",      "cast",  "philox"};
static_assert(!kNames.back().empty(), "every scalar op has a name");

std::string_view to_string(ScalarOp op) { return kNames[static_cast<size_t>(op)]; }

std::optional<ScalarOp> parse_scalar_op(std::string_view name) {
  auto it = std::find(kNames.begin(), kNames.end(), name);
  if (it == kNames.end())
    return std::nullopt;
  return static_cast<ScalarOp>(it - kNames.begin());
}

[[noreturn]] static void undefined(ScalarOp op, DType operand) {
  throw InternalFault(std::string(to_string(op)) + " is not defined on " + std::string(to_string(operand)));
}

/// Written so that exp never overflows.
static double sigmoid(double x) {
  if (x >= 0)
    return 1 / (1 + std::exp(-x));
  double e = std::exp(x);
  return e / (1 + e);
}

/// Toward zero, to the nearest number of the integer type when out of its range, NaN to 0. The upper limit of
/// i64 is not a double: 2^63 stands for it, and Tensor::set brings it back into range.
static double cast_float(double x, DType result) {
  if (is_float(result))
    return x;
  if (result == DType::boolean)
    return x != 0;
  if (std::isnan(x))
    return 0;
  double low = result == DType::i32 ? -0x1p31 : -0x1p63;
  double high = result == DType::i32 ? 0x1p31 - 1 : 0x1p63;
  return std::trunc(std::clamp(x, low, high));
}

double evaluate_scalar(ScalarOp op, DType operand, DType result, const double *args) {
  if (!is_float(operand))
    undefined(op, operand);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const double x = args[0];
  switch (op) {
  case ScalarOp::neg: return -x;
  case ScalarOp::abs: return std::fabs(x);
  case ScalarOp::sign: return x > 0 ? 1 : x < 0 ? -1 : x;
  case ScalarOp::floor: return std::floor(x);
  case ScalarOp::exp: return std::exp(x);
  case ScalarOp::log: return std::log(x);
  case ScalarOp::log1p: return std::log1p(x);
  case ScalarOp::expm1: return std::expm1(x);
  case ScalarOp::sqrt: return std::sqrt(x);
  case ScalarOp::rsqrt: return 1 / std::sqrt(x);
  case ScalarOp::tanh: return std::tanh(x);
  case ScalarOp::sigmoid: return sigmoid(x);
  case ScalarOp::erf: return std::erf(x);
  case ScalarOp::sin: return std::sin(x);
  case ScalarOp::cos: return std::cos(x);
  case ScalarOp::add: return x + args[1];
  case ScalarOp::sub: return x - args[1];
  case ScalarOp::mul: return x * args[1];
  case ScalarOp::div: return x / args[1];
  case ScalarOp::pow: return std::pow(x, args[1]);
  case ScalarOp::maximum: return std::isunordered(x, args[1]) ? nan : std::max(x, args[1]);
  case ScalarOp::minimum: return std::isunordered(x, args[1]) ? nan : std::min(x, args[1]);
  case ScalarOp::lt: return x < args[1];
  case ScalarOp::le: return x <= args[1];
  case ScalarOp::eq: return x == args[1];
  case ScalarOp::ne: return x != args[1];
  case ScalarOp::gt: return x > args[1];
  case ScalarOp::ge: return x >= args[1];
  case ScalarOp::select: return x != 0 ? args[1] : args[2];
  case ScalarOp::cast: return cast_float(x, result);
  default: undefined(op, operand);
  }
}

/// Toward zero; x / 0 = 0; the one quotient that is out of range wraps.
static uint64_t divide(int64_t x, int64_t y) {
  if (y == 0)
    return 0;
  return y == -1 ? -static_cast<uint64_t>(x) : static_cast<uint64_t>(x / y);
}

static int64_t floordiv(int64_t x, int64_t y) {
  internal_check(y > 0, "floordiv and floormod need a positive divisor");
  return x / y - (x % y < 0);
}

/// The value modulo 2^64: sums and products wrap, which signed arithmetic in C++ must not.
static uint64_t evaluate_wrapping(ScalarOp op, DType operand, const int64_t *args) {
  const int64_t x = args[0];
  const auto ux = static_cast<uint64_t>(x);
  const auto second = [&] { return static_cast<uint64_t>(args[1]); };
  switch (op) {
  case ScalarOp::neg: return -ux;
  case ScalarOp::abs: return x < 0 ? -ux : ux;
  case ScalarOp::sign: return static_cast<uint64_t>((x > 0) - (x < 0));
  case ScalarOp::logical_not: return x == 0;
  case ScalarOp::add: return ux + second();
  case ScalarOp::sub: return ux - second();
  case ScalarOp::mul: return ux * second();
  case ScalarOp::div: return divide(x, args[1]);
  case ScalarOp::maximum: return static_cast<uint64_t>(std::max(x, args[1]));
  case ScalarOp::minimum: return static_cast<uint64_t>(std::min(x, args[1]));
  case ScalarOp::logical_and: return x != 0 && args[1] != 0;
  case ScalarOp::logical_or: return x != 0 || args[1] != 0;
  case ScalarOp::lt: return x < args[1];
  case ScalarOp::le: return x <= args[1];
  case ScalarOp::eq: return x == args[1];
  case ScalarOp::ne: return x != args[1];
  case ScalarOp::gt: return x > args[1];
  case ScalarOp::ge: return x >= args[1];
  case ScalarOp::floordiv: return static_cast<uint64_t>(floordiv(x, args[1]));
  case ScalarOp::floormod: return ux - static_cast<uint64_t>(floordiv(x, args[1])) * second();
  case ScalarOp::select: return static_cast<uint64_t>(x != 0 ? args[1] : args[2]);
  case ScalarOp::cast: return ux;
  case ScalarOp::philox: return static_cast<uint64_t>(int64_t{philox_word(x, args[1], args[2], args[3])});
  default: undefined(op, operand);
  }
}

int64_t evaluate_scalar(ScalarOp op, DType operand, DType result, const int64_t *args) {
  if (is_float(operand))
    undefined(op, operand);
  auto value = static_cast<int64_t>(evaluate_wrapping(op, operand, args));
  if (result == DType::boolean)
    return value != 0;
  return result == DType::i32 ? static_cast<int32_t>(value) : value;
}

} // namespace gradc
