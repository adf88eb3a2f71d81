// Every scalar operation against its row of scalar_op_rows.cpp: the definition (evaluate_scalar), and compiled code on
// vectors, f32 against double and f64 against long double. GRADC_EXHAUSTIVE=exp,tanh tries every f32 for these functions, and
// GRADC_EXHAUSTIVE=all for each of them (minutes a function), instead of one bit pattern in 4099; GRADC_PRINT_ULP=1 prints
// what was measured.
#include "ir/error.h"
#include "tests/ops/scalar_code.h"
#include "tests/ops/scalar_op_rows.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <random>
#include <sstream>

using namespace gradc;
using namespace gradc::tests;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// |got - want| in units of the last place of T at `want`; infinity where one is NaN or a zero has the wrong
/// sign.
template <class T, class Wide> double ulp_error(T got, Wide want) {
  if (std::isnan(got) || std::isnan(want))
    return std::isnan(got) && std::isnan(want) ? 0 : kInfinity;
  if (want == 0)
    return got == 0 && std::signbit(got) == std::signbit(want) ? 0 : kInfinity;
  using Limits = std::numeric_limits<T>;
  // Infinity counts as the power of two after the largest number.
  const Wide top = std::ldexp(Wide(1), Limits::max_exponent);
  Wide finite = std::isinf(got) ? std::copysign(top, Wide(got)) : Wide(got);
  if (std::abs(want) >= top)
    want = std::copysign(top, want);
  int exponent = std::max(std::ilogb(want), Limits::min_exponent - 1);
  exponent = std::min(exponent, Limits::max_exponent - 1);
  return static_cast<double>(std::abs(std::ldexp(finite - want, Limits::digits - 1 - exponent)));
}

template <class T> std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  const T values[] = {0, Limits::denorm_min(), 3 * Limits::denorm_min(), Limits::min(), Limits::epsilon(), T(0.25), T(0.5),
                      T(1), T(1.5), T(2), T(3), T(4), T(88), T(103.9), T(709.7), T(745.1), T(0x1.921fb54442d18p0),
                      T(0x1.921fb54442d18p1), T(0x1p31), std::ldexp(T(1), Limits::digits - 1),
                      std::ldexp(T(1), Limits::digits) - 1, std::ldexp(T(1), Limits::digits), Limits::max(),
                      Limits::infinity(), Limits::quiet_NaN()};
  std::vector<T> all;
  for (T v : values)
    for (T near : {v, std::nextafter(v, T(0)), std::nextafter(v, Limits::infinity())})
      for (T sign : {T(1), T(-1)})
        all.push_back(std::copysign(near, sign));
  return all;
}

using Bits = std::mt19937_64;
double unit(Bits &random) { return std::uniform_real_distribution<double>(-1, 1)(random); }

template <class T> T any_bits(Bits &random) {
  if constexpr (sizeof(T) == 4)
    return std::bit_cast<T>(static_cast<uint32_t>(random()));
  else
    return std::bit_cast<T>(random());
}

/// What functions are sensitive to, and any bits.
template <class T> std::vector<T> samples() {
  Bits random(1);
  std::vector<T> values = special_values<T>();
  for (int i = 0; i < 40000; ++i) {
    values.push_back(any_bits<T>(random));
    for (double range : {0.5, 2.0, 8.0, 40.0, 750.0})
      values.push_back(static_cast<T>(range * unit(random)));
    values.push_back(static_cast<T>(1 + std::ldexp(unit(random), -static_cast<int>(random() % 30))));
    values.push_back(static_cast<T>(std::ldexp(unit(random), 27 - static_cast<int>(random() % 60))));
  }
  return values;
}

/// Of one operand: samples. Of more: every special value with every other, any bits, and pairs whose power is spread evenly over
/// all results, zero and infinity included; a third operand is a neighbour's second.
template <class T> std::vector<std::vector<T>> tuples(size_t arity) {
  if (arity == 1)
    return {samples<T>()};
  std::vector<T> x, y;
  for (T a : special_values<T>())
    for (T b : special_values<T>()) {
      x.push_back(a);
      y.push_back(b);
    }
  Bits random(2);
  const double largest = std::log(std::numeric_limits<T>::max());
  for (int i = 0; i < 50000; ++i) {
    x.push_back(any_bits<T>(random));
    y.push_back(any_bits<T>(random));
    double base = i % 2 ? std::ldexp(1 + std::abs(unit(random)), static_cast<int>(random() % 250) - 125)
                        : 1 + std::ldexp(unit(random), -static_cast<int>(random() % 22));
    x.push_back(static_cast<T>(base));
    y.push_back(static_cast<T>(1.1 * largest * unit(random) / std::log(static_cast<double>(x.back()))));
  }
  std::vector<std::vector<T>> operands{x, y};
  operands.resize(arity, y);
  if (arity > 2)
    std::rotate(operands[2].begin(), operands[2].begin() + 1, operands[2].end());
  return operands;
}

struct Worst {
  double error = 0, got = 0;
  std::string where;
};

template <class T, class Wide> Wide reference(const FloatRow &row, const Wide *operands) {
  if constexpr (sizeof(Wide) == sizeof(double))
    return row.in_double(operands);
  else
    return row.in_long_double(operands);
}

/// Takes note of where `got` is farthest from the reference.
template <class T, class Wide>
void compare(const FloatRow &row, const std::vector<std::vector<T>> &operands, const std::vector<T> &got, double reach,
             Worst &worst) {
  for (size_t i = 0; i < got.size(); ++i) {
    Wide x[4] = {};
    for (size_t n = 0; n < operands.size(); ++n)
      x[n] = operands[n][i];
    double error = 0;
    if (std::abs(x[0]) > Wide(reach)) // only that the result lies in [-1, 1]
      error = std::abs(got[i]) <= 1 || !std::isfinite(x[0]) ? 0 : kInfinity;
    else
      error = ulp_error(got[i], reference<T, Wide>(row, x));
    if (!(error > worst.error))
      continue;
    std::ostringstream where;
    where.precision(17);
    for (size_t n = 0; n < operands.size(); ++n)
      where << (n ? ", " : "") << operands[n][i];
    worst = {error, static_cast<double>(got[i]), where.str()};
  }
}

void expect(const std::string &what, ScalarOp op, const Worst &worst, double bound) {
  INFO("scalar op " << to_string(op) << ", " << what << ": " << to_string(op) << "(" << worst.where << ") gives " << worst.got
                    << ", off by " << worst.error << " ULP where " << bound << " is the bound");
  CHECK(worst.error <= bound);
  if (std::getenv("GRADC_PRINT_ULP"))
    WARN(to_string(op) << ", " << what << ": " << worst.error << " ULP at " << worst.where);
}

bool is_exhaustive(ScalarOp op) {
  const char *wanted = std::getenv("GRADC_EXHAUSTIVE");
  const std::string names = "," + std::string(wanted ? wanted : "") + ",";
  return names == ",all," || names.find("," + std::string(to_string(op)) + ",") != names.npos;
}

template <class T, class Wide> void check_code(const FloatRow &row, Machine machine) {
  const ScalarCode &code = scalar_code(machine);
  const size_t arity = row_of(row.op).arity;
  const double reach = row.reach.of(sizeof(T) == 8, code.fma());
  Worst worst;
  const auto measure = [&](const std::vector<std::vector<T>> &operands) {
    compare<T, Wide>(row, operands, code.run(row.op, operands), reach, worst);
  };
  measure(tuples<T>(arity));
  if (sizeof(T) == 4 && arity == 1) {
    const uint64_t stride = is_exhaustive(row.op) ? 1 : 4099;
    std::vector<T> x;
    for (uint64_t pattern = 0; pattern <= UINT32_MAX; pattern += stride) {
      x.push_back(static_cast<T>(std::bit_cast<float>(static_cast<uint32_t>(pattern))));
      if (x.size() == 1 << 16 || pattern + stride > UINT32_MAX) {
        measure({x});
        x.clear();
      }
    }
  }
  const std::string what = std::string(sizeof(T) == 4 ? "f32" : "f64") + (machine == Machine::host ? "" : " for any x86-64");
  expect(what, row.op, worst, row.bound.of(sizeof(T) == 8, code.fma()));
}

/// Of a function of the C library.
constexpr double kLibraryBound = 4;

void check_definition(const FloatRow &row) {
  const size_t arity = row_of(row.op).arity;
  const std::vector<std::vector<double>> operands = tuples<double>(arity);
  const DType result = row.op == ScalarOp::cast ? DType::i32 : DType::f64;
  std::vector<double> got;
  for (size_t i = 0; i < operands[0].size(); ++i) {
    double x[4] = {};
    for (size_t n = 0; n < arity; ++n)
      x[n] = operands[n][i];
    got.push_back(evaluate_scalar(row.op, DType::f64, result, x));
  }
  Worst worst;
  compare<double, long double>(row, operands, got, kInfinity, worst);
  expect("by definition", row.op, worst, row_of(row.op).cost == ScalarCost::simple ? row.bound.f64 : kLibraryBound);
}

bool is_defined(ScalarOp op, bool on_floats) {
  const double numbers[] = {1, 1, 1, 1};
  const int64_t integers[] = {1, 1, 1, 1};
  try {
    on_floats ? static_cast<void>(evaluate_scalar(op, DType::f64, DType::f64, numbers))
              : static_cast<void>(evaluate_scalar(op, DType::i64, DType::i64, integers));
    return true;
  } catch (const InternalFault &) {
    return false;
  }
}

} // namespace

TEST_CASE("every scalar op has a reference and a bound of its own", "[scalar]") {
  for (int i = 0; i < kScalarOpCount; ++i) {
    const auto op = static_cast<ScalarOp>(i);
    INFO("scalar op " << to_string(op) << "; the rows are in tests/ops/scalar_op_rows.cpp");
    CHECK(std::ranges::count(float_rows(), op, &FloatRow::op) == is_defined(op, true));
    CHECK(std::ranges::count(integer_rows(), op, &IntegerRow::op) == is_defined(op, false));
  }
}

TEST_CASE("scalar ops are defined on floats as their references say", "[scalar]") {
  for (const FloatRow &row : float_rows())
    check_definition(row);
}

TEST_CASE("scalar ops keep their error bounds in f32", "[scalar]") {
  for (Machine machine : {Machine::host, Machine::baseline})
    for (const FloatRow &row : float_rows())
      check_code<float, double>(row, machine);
}

TEST_CASE("scalar ops keep their error bounds in f64", "[scalar]") {
  for (Machine machine : {Machine::host, Machine::baseline})
    for (const FloatRow &row : float_rows())
      check_code<double, long double>(row, machine);
}

namespace {

template <class T> std::vector<std::vector<T>> integer_tuples(size_t arity) {
  using Limits = std::numeric_limits<T>;
  const T special[] = {0, 1, -1, 2, -2, 3, 7, -7, 8, -8, Limits::max(), Limits::max() - 1, Limits::min(), Limits::min() + 1};
  std::vector<std::vector<T>> operands(arity);
  for (T x : special)
    for (T y : special)
      for (size_t n = 0; n < arity; ++n)
        operands[n].push_back(n % 2 ? y : x);
  Bits random(3);
  for (int i = 0; i < 20000; ++i)
    for (std::vector<T> &operand : operands)
      operand.push_back(static_cast<T>(static_cast<int64_t>(random()) >> (random() % (8 * sizeof(T)))));
  return operands;
}

/// The first element of code or definition that is not what the reference says; empty when all are.
template <class T> std::string integer_fault(const IntegerRow &row, Machine machine, int64_t divisor) {
  const size_t arity = row_of(row.op).arity;
  const bool logical = row.op == ScalarOp::logical_not || row.op == ScalarOp::logical_and || row.op == ScalarOp::logical_or;
  std::vector<std::vector<T>> operands = integer_tuples<T>(arity);
  if (divisor)
    std::ranges::fill(operands[1], static_cast<T>(divisor));
  const std::vector<T> got = scalar_code(machine).run(row.op, operands, divisor);
  const DType dtype = logical ? DType::boolean : sizeof(T) == 4 ? DType::i32 : DType::i64;
  const bool narrows = row.op == ScalarOp::cast || row_of(row.op).result == ScalarResult::i32;
  for (size_t i = 0; i < got.size(); ++i) {
    Wide x[4] = {};
    int64_t given[4] = {};
    for (size_t n = 0; n < arity; ++n)
      x[n] = given[n] = logical ? operands[n][i] != 0 : operands[n][i];
    const auto want = static_cast<T>(row.value(x));
    const int64_t defined = evaluate_scalar(row.op, dtype, narrows ? DType::i32 : dtype, given);
    if (got[i] == want && defined == want)
      continue;
    std::ostringstream text;
    text << "of (";
    for (size_t n = 0; n < arity; ++n)
      text << (n ? ", " : "") << operands[n][i];
    text << ") is " << want << "; the code gives " << got[i] << ", the definition " << defined;
    return text.str();
  }
  return "";
}

} // namespace

TEST_CASE("scalar ops on integers give what their references say", "[scalar]") {
  for (Machine machine : {Machine::host, Machine::baseline})
    for (const IntegerRow &row : integer_rows()) {
      const bool divides = row.op == ScalarOp::floordiv || row.op == ScalarOp::floormod;
      for (int64_t divisor : divides ? std::vector<int64_t>(std::begin(kDivisors), std::end(kDivisors)) : std::vector<int64_t>{0}) {
        INFO("scalar op " << to_string(row.op) << (machine == Machine::host ? "" : " for any x86-64"));
        if (row.op != ScalarOp::philox) // of i64 only
          CHECK(integer_fault<int32_t>(row, machine, divisor) == "");
        CHECK(integer_fault<int64_t>(row, machine, divisor) == "");
      }
    }
}

TEST_CASE("every lane count gives the same bits", "[scalar]") {
  const auto same = [](auto a, auto b) {
    return a == b ? std::signbit(a) == std::signbit(b) : std::isnan(a) && std::isnan(b);
  };
  for (unsigned lanes : {1u, 4u, 32u}) {
    const ScalarCode other(Machine::host, lanes);
    for (const FloatRow &row : float_rows()) {
      INFO("scalar op " << to_string(row.op) << " with " << lanes << " lanes");
      const size_t arity = row_of(row.op).arity;
      const auto check = [&](const auto &operands) {
        const auto a = scalar_code(Machine::host).run(row.op, operands), b = other.run(row.op, operands);
        CHECK(std::equal(a.begin(), a.end(), b.begin(), same));
      };
      check(tuples<float>(arity));
      check(tuples<double>(arity));
    }
  }
}
