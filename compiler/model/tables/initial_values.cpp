#include "compiler/model/tables/initial_values.h"

#include "ir/error.h"
#include "runtime/train/data/tensor_file.h"
#include "runtime/train/error.h"
#include "runtime/train/io/file.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numbers>

namespace gradc {
namespace {

/// [rows, columns] of an i32 that is its own row (dim 0) or column (dim 1).
Var index(const Initial &i, int64_t dim, const Shape &shape) {
  return source(*i.seed.scope, "iota", {{"dim", dim}}, Type{DType::i32, shape});
}

Var product(std::string_view indices, Var a, Var b) { return apply("contract", {a, b}, {{"indices", std::string(indices)}}); }

/// (1 + N)^-1 of a strictly upper triangular N: as N^n = 0, it is (1 - N) (1 + N^2) (1 + N^4) ... to the power n / 2.
Var inverse_of_one_plus(Var one, Var n) {
  const int64_t size = n.shape()[0];
  Var inverse = one - n, power = n;
  for (int64_t exponent = 2; exponent < size; exponent *= 2) {
    power = product("ij,jk->ik", power, power);
    inverse = inverse + product("ij,jk->ik", inverse, power);
  }
  return inverse;
}

} // namespace

Var Initial::draw(std::string_view op, Type of) const {
  return apply(op, {seed, step}, {{"stream", stream}}, std::move(of));
}

/// z = sqrt(2) t with erf(t) = s for a uniform s in [-erf(sqrt(2)), erf(sqrt(2))). As erf bends towards its limits, Newton's
/// method goes from 0 to t without passing it, and even to the farthest, sqrt(2), in seven steps.
Var truncated_normal(const Initial &i) {
  const Var s = (2 * i.draw("random_uniform", {DType::f64, i.type.shape}) - 1) * std::erf(std::numbers::sqrt2);
  const double per_slope = 1 / std::numbers::inv_sqrtpi / 2;
  Var t = per_slope * s;
  for (int step = 0; step < 7; ++step)
    t = t + per_slope * (s - erf(t)) * exp(square(t));
  return cast(t * (std::numbers::sqrt2 * i.attrs.number_at("stddev")) + i.attrs.number_at("mean"), i.type.dtype);
}

/// The Q of a Gaussian matrix, as a product of reflections 1 - 2 v v^T (Stewart 1980). With g the column k of the Gaussian matrix
/// from its diagonal on, v_k is g plus sign(g_k) |g| at k, scaled to length 1; reflection k times -sign(g_k) turns axis k into the
/// direction of g. In its compact form (Schreiber and Van Loan 1989) the product is 1 - V T V^T with T^-1 = striu(V^T V) + 1/2.
/// All is in f64, and one step of Newton and Schulz, Q (3 - Q^T Q) / 2, squares what error is left.
Var orthogonal(const Initial &i, double gain) {
  const int64_t out = i.type.shape.back(), in = i.type.elements() / out;
  const int64_t rows = std::max(in, out), columns = std::min(in, out);
  const Shape tall = {rows, columns}, small = {columns, columns};
  const Var g = i.draw("random_normal", {DType::f64, tall}), row = index(i, 0, tall), column = index(i, 1, tall);
  const Var below = select(less(row, column), 0, g), diagonal = equal(row, column);
  const Var sign = sum(select(diagonal, select(less(g, number_like(g, 0)), constant(*g.scope, -1, g.type()), 1), 0), {0}, true);
  const Var length = sqrt(sum(square(below), {0}, true));
  const Var reflected = below + select(diagonal, sign * length, 0);
  const Var v = reflected / sqrt(sum(square(reflected), {0}, true));
  const Var top = apply("slice", {v}, {{"starts", std::vector<int64_t>{0, 0}}, {"limits", small}});

  const Var above = less(index(i, 0, small), index(i, 1, small));
  const Var one = select(equal(index(i, 0, small), index(i, 1, small)), constant(*g.scope, 1, {DType::f64, small}), 0);
  const Var t = inverse_of_one_plus(one, select(above, 2 * product("ij,ik->jk", v, v), 0)); // T / 2
  const Var reflections = select(diagonal, constant(*g.scope, 1, g.type()), 0) -
                          2 * product("ij,jk->ik", v, product("ij,kj->ik", t, top));
  const Var q = reflections * -sign;
  const Var exact = 1.5 * q - 0.5 * product("ij,jk->ik", q, product("ij,ik->jk", q, q));
  const Var turned = in < out ? apply("transpose", {exact}, {{"perm", std::vector<int64_t>{1, 0}}}) : exact;
  return reshape(cast(gain * turned, i.type.dtype), i.type.shape);
}

/// An element is 0 when fewer than that many of its row have a smaller number of their own.
Var sparse(const Initial &i) {
  const int64_t out = i.type.shape.back(), in = i.type.elements() / out;
  const double zeros = std::ceil(i.attrs.number_at("sparsity") * static_cast<double>(out));
  const Var drawn = i.draw("random_normal", {DType::f64, {2, in, out}}); // one half to compare, one to be the values
  const auto half = [&](int64_t n) {
    const std::vector<int64_t> starts = {n, 0, 0}, limits = {n + 1, in, out};
    return apply("slice", {drawn}, {{"starts", starts}, {"limits", limits}});
  };
  const Var smaller = less(reshape(half(0), {in, 1, out}), reshape(half(0), {in, out, 1}));
  const Var rank = sum_last(cast(smaller, DType::f64)), values = reshape(half(1), {in, out}) * i.attrs.number_at("stddev");
  return reshape(cast(select(less(rank, number_like(rank, zeros)), 0, values), i.type.dtype), i.type.shape);
}

Var from_file(const Initial &i) try {
  const JsonValue *tensor = i.attrs.find("tensor");
  const std::string path = runtime::join_path(i.folder, i.attrs.string_at("path"));
  runtime::FileTensor read = runtime::read_tensor(path, tensor ? tensor->text : i.name);
  if (read.shape != i.type.shape)
    throw runtime::Error(fmt::format("'{}': expected shape {}, found {}", path, to_string(i.type.shape), to_string(read.shape)));
  const double most = i.type.dtype == DType::f32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
  if (const auto large = std::ranges::find_if(read.values, [&](double x) { return std::abs(x) > most; }); large != read.values.end())
    throw runtime::Error(fmt::format("'{}': {} is too large for {}", path, *large, to_string(i.type.dtype)));
  return source(*i.seed.scope, "constant", {{"values", std::move(read.values)}}, i.type);
} catch (const runtime::Error &problem) {
  throw Error(fmt::format("initial values of '{}': {}", i.name, problem.what()), i.location);
}

Var identity(const Initial &i) {
  return cast(equal(index(i, 0, i.type.shape), index(i, 1, i.type.shape)), i.type.dtype);
}

} // namespace gradc
