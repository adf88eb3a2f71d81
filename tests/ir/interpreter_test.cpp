// The reference interpreter: values, precision, state updates, and what it refuses. Values per op are the
// text tests'.
#include "ir/error.h"
#include "ir/interpreter.h"
#include "ir/kernel.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

namespace gradc {

static Tensor tensor(DType dtype, Shape shape, std::vector<double> values) {
  Tensor result(Type{dtype, std::move(shape)});
  for (size_t i = 0; i < values.size(); ++i)
    result.set(static_cast<int64_t>(i), values[i]);
  return result;
}

static const Type kScalar{DType::f32, {}};

TEST_CASE("elementwise ops broadcast operands of different ranks") {
  Graph g;
  Value x = g.declare(Role::input, "x", Type{DType::f32, {2, 3}});
  Value b = g.declare(Role::param, "b", Type{DType::f32, {3}});
  Value c = g.declare(Role::param, "c", Type{DType::f32, {2, 1}});
  g.returns = {{"y", g.add("mul", {g.add("add", {x, b}), c})}};
  Bindings bindings{{"x", tensor(DType::f32, {2, 3}, {1, 2, 3, 4, 5, 6})},
                    {"b", tensor(DType::f32, {3}, {10, 20, 30})},
                    {"c", tensor(DType::f32, {2, 1}, {1, -1})}};
  Tensor y = interpret(g, bindings)[0];
  CHECK(y.type == Type{DType::f32, {2, 3}});
  CHECK(y.floats == std::vector<double>{11, 22, 33, -14, -25, -36});
}

TEST_CASE("results are rounded to f32 as declared, or kept wide") {
  Graph g;
  Value x = g.declare(Role::input, "x", kScalar);
  g.returns = {{"y", g.add("div", {x, g.constant(3, kScalar)})}};
  Bindings bindings{{"x", tensor(DType::f32, {}, {1})}};
  CHECK(interpret(g, bindings)[0].floats[0] == 1.0f / 3.0f);
  Tensor wide = interpret(g, bindings, Precision::wide)[0];
  CHECK(wide.floats[0] == 1.0 / 3.0);
  CHECK(wide.type == kScalar);
}

TEST_CASE("random numbers are the same in wide precision") {
  Graph g;
  const Type i64{DType::i64, {}};
  Value seed = g.declare(Role::scalar, "seed", i64), step = g.declare(Role::scalar, "step", i64);
  Value u = g.add("random_uniform", {seed, step}, {{"stream", int64_t{3}}}, "", Type{DType::f32, {100}});
  g.returns = {{"u", u}};
  Bindings bindings{{"seed", tensor(DType::i64, {}, {7})}, {"step", tensor(DType::i64, {}, {0})}};
  std::vector<double> first = interpret(g, bindings)[0].floats;
  CHECK(first == interpret(g, bindings, Precision::wide)[0].floats);
  bindings["step"] = tensor(DType::i64, {}, {1});
  CHECK(first != interpret(g, bindings)[0].floats);
}

TEST_CASE("normal draws have the moments of the standard normal") {
  for (DType dtype : {DType::f32, DType::f64}) {
    Graph g;
    Value zero = g.constant(0, Type{DType::i64, {}});
    constexpr int64_t n = 100000;
    g.returns = {{"z", g.add("random_normal", {zero, zero}, {{"stream", int64_t{0}}}, "", Type{dtype, {n}})}};
    Bindings none;
    double moments[5] = {};
    const Tensor draws = interpret(g, none)[0];
    for (double z : draws.floats)
      for (int power = 0; power < 5; ++power)
        moments[power] += std::pow(z, power) / n;
    // The standard errors of the moments are 1, sqrt(2), sqrt(15) and sqrt(96), over sqrt(n) = 316; five of
    // them.
    CHECK(moments[1] == Approx(0).margin(0.016));
    CHECK(moments[2] == Approx(1).margin(0.023));
    CHECK(moments[3] == Approx(0).margin(0.062));
    CHECK(moments[4] == Approx(3).margin(0.155));
  }
}

TEST_CASE("all updates read the old state") {
  Graph g;
  Value a = g.declare(Role::param, "a", kScalar), b = g.declare(Role::slot, "b", kScalar);
  g.returns = {{"sum", g.add("add", {a, b})}};
  g.updates = {{a, b}, {b, a}};
  Bindings bindings{{"a", tensor(DType::f32, {}, {1})}, {"b", tensor(DType::f32, {}, {2})}};
  CHECK(interpret(g, bindings)[0].floats[0] == 3);
  CHECK(bindings["a"].floats[0] == 2);
  CHECK(bindings["b"].floats[0] == 1);
}

TEST_CASE("interpret_all gives every value and updates nothing") {
  Graph g;
  Value a = g.declare(Role::param, "a", kScalar);
  Value twice = g.add("add", {a, a});
  g.updates = {{a, twice}};
  const Bindings bindings{{"a", tensor(DType::f32, {}, {4})}};
  std::vector<Tensor> values = interpret_all(g, bindings);
  REQUIRE(values.size() == 2);
  CHECK(values[twice].floats[0] == 8);
}

TEST_CASE("a declaration without a value is the caller's error") {
  Graph g;
  g.declare(Role::input, "x", Type{DType::f32, {2}}, "/inputs/x");
  Bindings none;
  CHECK_THROWS_AS(interpret(g, none), Error);
  CHECK_THROWS_WITH(interpret(g, none), "no value for input 'x': expected f32[2]");
}

TEST_CASE("a declaration bound to another type is the caller's error") {
  Graph g;
  g.declare(Role::input, "x", Type{DType::f32, {2}});
  Bindings wrong{{"x", tensor(DType::f32, {3}, {1, 2, 3})}};
  CHECK_THROWS_WITH(interpret(g, wrong), "the value for input 'x' must be f32[2], got f32[3]");
}

TEST_CASE("a constant has one value or one an element") {
  Graph g;
  const Type type{DType::i32, {2}};
  g.returns = {{"c", g.add("constant", {}, {{"values", std::vector<double>{5, -6}}}, "", type)}};
  Bindings none;
  CHECK(interpret(g, none)[0].integers == std::vector<int64_t>{5, -6});
  CHECK_THROWS_AS(g.add("constant", {}, {}, "", type), Error);
  CHECK_THROWS_AS(g.add("constant", {}, {{"values", std::vector<double>{5}}}, "", type), Error);
  CHECK_THROWS_AS(g.constant(0.5, type), Error);
}

static int64_t on_i32(ScalarOp op, int64_t x, int64_t y = 0) {
  const int64_t args[] = {x, y};
  return evaluate_scalar(op, DType::i32, DType::i32, args);
}

TEST_CASE("integer arithmetic wraps and never traps") {
  constexpr int64_t low = std::numeric_limits<int32_t>::min(), high = std::numeric_limits<int32_t>::max();
  CHECK(on_i32(ScalarOp::add, high, 1) == low);
  CHECK(on_i32(ScalarOp::neg, low) == low);
  CHECK(on_i32(ScalarOp::mul, high, high) == 1);
  CHECK(on_i32(ScalarOp::div, low, -1) == low);
  CHECK(on_i32(ScalarOp::div, -7, 2) == -3);
  CHECK(on_i32(ScalarOp::div, 7, 0) == 0);
  constexpr int64_t args[] = {std::numeric_limits<int64_t>::min(), 3}; // = 3 * -3074457345618258603 + 1
  CHECK(evaluate_scalar(ScalarOp::floordiv, DType::i64, DType::i64, args) == -3074457345618258603);
  CHECK(evaluate_scalar(ScalarOp::floormod, DType::i64, DType::i64, args) == 1);
}

static double on_floats(ScalarOp op, double x, double y = 0, DType result = DType::f64) {
  const double args[] = {x, y};
  return evaluate_scalar(op, DType::f64, result, args);
}

TEST_CASE("casts from floats truncate and saturate") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                   inf = std::numeric_limits<double>::infinity();
  CHECK(on_floats(ScalarOp::cast, -1.9, 0, DType::i32) == -1);
  CHECK(on_floats(ScalarOp::cast, 1e10, 0, DType::i32) == 0x1p31 - 1);
  CHECK(on_floats(ScalarOp::cast, nan, 0, DType::i32) == 0);
  CHECK(on_floats(ScalarOp::cast, nan, 0, DType::boolean) == 1);
  CHECK(tensor(DType::i64, {}, {on_floats(ScalarOp::cast, inf, 0, DType::i64)}).integers[0] == INT64_MAX);
}

TEST_CASE("NaN passes through sign, maximum and minimum") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(on_floats(ScalarOp::sign, nan)));
  CHECK(on_floats(ScalarOp::sign, 0) == 0);
  CHECK(std::isnan(on_floats(ScalarOp::maximum, nan, 1)));
  CHECK(std::isnan(on_floats(ScalarOp::minimum, 1, nan)));
}

TEST_CASE("every scalar op is found by its name") {
  for (int i = 0; i < kScalarOpCount; ++i)
    CHECK(parse_scalar_op(to_string(static_cast<ScalarOp>(i))) == static_cast<ScalarOp>(i));
  CHECK(parse_scalar_op("frobnicate") == std::nullopt);
}

TEST_CASE("tensors survive the way through bytes") {
  for (DType dtype : {DType::f32, DType::f64, DType::i32, DType::i64, DType::boolean}) {
    Tensor x = tensor(dtype, {3}, {0, 1, -2.5});
    Tensor y = Tensor::from_bytes(x.type, x.to_bytes().data());
    CHECK(y.floats == x.floats);
    CHECK(y.integers == x.integers);
  }
}

} // namespace gradc
