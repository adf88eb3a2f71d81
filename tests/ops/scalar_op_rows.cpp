#include "tests/ops/scalar_op_rows.h"

#include <Random123/philox.h>

#include <array>
#include <cmath>
#include <type_traits>

namespace gradc::tests {
namespace {

constexpr double kEverywhere = std::numeric_limits<double>::infinity();
constexpr PerTarget kExact{0, 0, 0, 0};
constexpr PerTarget kRounded{0.501, 0.501, 0.501, 0.501}; // once; the reference itself is rounded, to more digits

/// A reference is a generic lambda of one to four operands.
template <typename F, typename T> auto call(const T *a) {
  constexpr F f;
  if constexpr (std::is_invocable_v<F, T>)
    return f(a[0]);
  else if constexpr (std::is_invocable_v<F, T, T>)
    return f(a[0], a[1]);
  else if constexpr (std::is_invocable_v<F, T, T, T>)
    return f(a[0], a[1], a[2]);
  else
    return f(a[0], a[1], a[2], a[3]);
}

template <typename F>
constexpr FloatRow row(ScalarOp op, PerTarget bound, F,
                       PerTarget reach = {kEverywhere, kEverywhere, kEverywhere, kEverywhere}) {
  return {op, bound, [](const double *a) -> double { return call<F>(a); },
          [](const long double *a) -> long double { return call<F>(a); }, reach};
}

template <typename F> constexpr IntegerRow row(ScalarOp op, F) {
  return {op, [](const Wide *a) -> Wide { return call<F>(a); }};
}

template <typename T> bool either_nan(T x, T y) { return std::isnan(x) || std::isnan(y); }

// The bounds: f32, f32 without FMA, f64, f64 without FMA.
constexpr FloatRow kFloatRows[] = {
    row(ScalarOp::exp, {1, 1.25, 1.25, 1.25}, [](auto x) { return std::exp(x); }),
    row(ScalarOp::expm1, {1.75, 2, 2, 2.25}, [](auto x) { return std::expm1(x); }),
    row(ScalarOp::tanh, {1.75, 1.75, 2.75, 2.75}, [](auto x) { return std::tanh(x); }),
    row(ScalarOp::sigmoid, {1, 1.5, 1, 1.5}, [](auto x) { return 1 / (1 + std::exp(-x)); }),
    row(ScalarOp::log, {1, 1.25, 1, 1}, [](auto x) { return std::log(x); }),
    row(ScalarOp::log1p, {1.75, 2, 1.5, 1.5}, [](auto x) { return std::log1p(x); }),
    row(ScalarOp::erf, {1, 1.5, 1.25, 1.5}, [](auto x) { return std::erf(x); }),
    row(ScalarOp::erfc, {4.5, 4.75, 4.5, 4.5}, [](auto x) { return std::erfc(x); }),
    row(ScalarOp::sin, {1.75, 2.5, 1.75, 2.5}, [](auto x) { return std::sin(x); }, {1e5, 1e4, 1e8, 1e6}),
    row(ScalarOp::cos, {1.75, 2.5, 1.75, 2.5}, [](auto x) { return std::cos(x); }, {1e5, 1e4, 1e8, 1e6}),
    row(ScalarOp::sqrt, {0.5, 0.5, 0.5, 0.5}, [](auto x) { return std::sqrt(x); }),
    row(ScalarOp::rsqrt, {1.5, 1.5, 1.5, 1.5}, [](auto x) { return 1 / std::sqrt(x); }),
    row(ScalarOp::pow, {0.51, 0.51, 1.5, 1.5}, [](auto x, auto y) { return std::pow(x, y); }),

    row(ScalarOp::neg, kExact, [](auto x) { return -x; }),
    row(ScalarOp::abs, kExact, [](auto x) { return std::copysign(x, decltype(x)(1)); }),
    row(ScalarOp::sign, kExact, [](auto x) { return x == 0 || std::isnan(x) ? x : std::copysign(decltype(x)(1), x); }),
    row(ScalarOp::floor, kExact, [](auto x) { return std::floor(x); }),
    row(ScalarOp::add, kRounded, [](auto x, auto y) { return x + y; }),
    row(ScalarOp::sub, kRounded, [](auto x, auto y) { return x - y; }),
    row(ScalarOp::mul, kRounded, [](auto x, auto y) { return x * y; }),
    row(ScalarOp::div, kRounded, [](auto x, auto y) { return x / y; }),
    row(ScalarOp::maximum, kExact, [](auto x, auto y) { return either_nan(x, y) ? NAN : y > x ? y : x; }),
    row(ScalarOp::minimum, kExact, [](auto x, auto y) { return either_nan(x, y) ? NAN : y < x ? y : x; }),
    row(ScalarOp::lt, kExact, [](auto x, auto y) { return std::isless(x, y); }),
    row(ScalarOp::le, kExact, [](auto x, auto y) { return std::islessequal(x, y); }),
    row(ScalarOp::eq, kExact, [](auto x, auto y) { return std::islessequal(x, y) && std::islessequal(y, x); }),
    row(ScalarOp::ne, kExact, [](auto x, auto y) { return either_nan(x, y) || std::islessgreater(x, y); }),
    row(ScalarOp::gt, kExact, [](auto x, auto y) { return std::isless(y, x); }),
    row(ScalarOp::ge, kExact, [](auto x, auto y) { return std::islessequal(y, x); }),
    row(ScalarOp::select, kExact, [](auto x, auto y, auto z) { return x == 0 ? z : y; }),
    // To i32, and back.
    row(ScalarOp::cast, kRounded, [](auto x) {
      using T = decltype(x);
      return std::isnan(x) ? T(0) : x < -0x1p31 ? T(-0x1p31) : x >= 0x1p31 ? T(0x1p31 - 1) : std::trunc(x) + T(0);
    }),
};

/// Toward minus infinity, by the remainder that has the sign of the divisor.
Wide remainder_of(Wide x, Wide y) { return (x % y + y) % y; }

Wide philox(uint64_t seed, uint64_t step, uint64_t stream, uint64_t n) {
  const auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
  const auto high = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  const uint64_t block = n / 4;
  const auto words = r123::Philox4x32()({{low(block), high(block), low(step), low(stream)}}, {{low(seed), high(seed)}});
  return static_cast<int32_t>(words[n & 3]);
}

constexpr IntegerRow kIntegerRows[] = {
    row(ScalarOp::neg, [](Wide x) { return -x; }),
    row(ScalarOp::abs, [](Wide x) { return x > 0 ? x : -x; }),
    row(ScalarOp::sign, [](Wide x) -> Wide { return x == 0 ? 0 : x > 0 ? 1 : -1; }),
    row(ScalarOp::logical_not, [](Wide x) { return 1 - x; }),
    row(ScalarOp::add, [](Wide x, Wide y) { return x + y; }),
    row(ScalarOp::sub, [](Wide x, Wide y) { return x - y; }),
    row(ScalarOp::mul, [](Wide x, Wide y) { return x * y; }),
    row(ScalarOp::div, [](Wide x, Wide y) { return y == 0 ? 0 : x / y; }),
    row(ScalarOp::maximum, [](Wide x, Wide y) { return x > y ? x : y; }),
    row(ScalarOp::minimum, [](Wide x, Wide y) { return x > y ? y : x; }),
    row(ScalarOp::logical_and, [](Wide x, Wide y) { return x * y; }),
    row(ScalarOp::logical_or, [](Wide x, Wide y) { return x + y - x * y; }),
    row(ScalarOp::lt, [](Wide x, Wide y) -> Wide { return y - x > 0; }),
    row(ScalarOp::le, [](Wide x, Wide y) -> Wide { return y - x >= 0; }),
    row(ScalarOp::eq, [](Wide x, Wide y) -> Wide { return y - x == 0; }),
    row(ScalarOp::ne, [](Wide x, Wide y) -> Wide { return y - x != 0; }),
    row(ScalarOp::gt, [](Wide x, Wide y) -> Wide { return x - y > 0; }),
    row(ScalarOp::ge, [](Wide x, Wide y) -> Wide { return x - y >= 0; }),
    row(ScalarOp::floordiv, [](Wide x, Wide y) { return (x - remainder_of(x, y)) / y; }),
    row(ScalarOp::floormod, [](Wide x, Wide y) { return remainder_of(x, y); }),
    row(ScalarOp::select, [](Wide x, Wide y, Wide z) { return x == 0 ? z : y; }),
    row(ScalarOp::cast, [](Wide x) -> Wide { return static_cast<int32_t>(x); }), // to i32, and back
    row(ScalarOp::philox,
        [](Wide x, Wide y, Wide z, Wide w) {
          return philox(static_cast<uint64_t>(x), static_cast<uint64_t>(y), static_cast<uint64_t>(z), static_cast<uint64_t>(w));
        }),
};

} // namespace

std::span<const FloatRow> float_rows() { return kFloatRows; }
std::span<const IntegerRow> integer_rows() { return kIntegerRows; }

} // namespace gradc::tests
