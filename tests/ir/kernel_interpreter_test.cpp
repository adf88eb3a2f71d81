// Lowering: the kernels of random fused graphs compute, point by point, what the graph's own definition says.
#include "ir/kernel_interpreter.h"
#include "ir/lowering/lower.h"
#include "passes/equivalence.h"
#include "passes/fuse.h"
#include "tests/support/random_graph.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace gradc;
using namespace gradc::tests;

namespace {

double largest(const Tensor &tensor) {
  double most = 1;
  for (int64_t i = 0; i < tensor.type.elements(); ++i)
    if (std::isfinite(tensor.number(i)))
      most = std::max(most, std::abs(tensor.number(i)));
  return most;
}

// The first element that differs, or "".
std::string difference(const Tensor &expected, const Tensor &actual) {
  const double scale = largest(expected);
  for (int64_t i = 0; i < expected.type.elements(); ++i) {
    const double e = expected.number(i), a = actual.number(i);
    const bool same = e == a || (std::isnan(e) && std::isnan(a));
    if (!same && !(std::abs(e - a) <= 1e-5 * scale))
      return "element " + std::to_string(i) + " is " + std::to_string(a) + ", not " + std::to_string(e);
  }
  return "";
}

void check_kernels(const Graph &fused, const Bindings &bindings) {
  const std::vector<Tensor> values = interpret_all(fused, bindings);
  for (const LoweredKernel &lowered : lower_kernels(fused)) {
    std::vector<Tensor> params;
    for (size_t i = 0; i < lowered.values.size(); ++i)
      params.push_back(lowered.kernel.params[i].written ? Tensor(lowered.kernel.params[i].type) : values[lowered.values[i]]);
    interpret_kernel(lowered.kernel, params);
    for (size_t i = 0; i < params.size(); ++i)
      if (const std::string fault = difference(values[lowered.values[i]], params[i]); !fault.empty())
        FAIL_CHECK(print(lowered.kernel) << "parameter " << i << ": " << fault);
  }
}

} // namespace

TEST_CASE("kernels of random graphs compute what the graph says") {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Graph graph = random_graph(seed, {});
    const Bindings bindings = random_bindings(graph, seed);
    fuse(graph);
    check_kernels(graph, bindings);
  }
}

TEST_CASE("a padded load, a gather and an accumulating store mean what they say") {
  const Kernel kernel = parse_kernel(R"(kernel k {
  axes i:4
  params x:f32[3] n:i64[4] y:f32[4] out z:f32[2] out
  y[i] = s0(i) = x[i-1] pad 9
  z[(n[i])] += s1(i) = 1:f32
})");
  std::vector<Tensor> params;
  for (const Param &p : kernel.params)
    params.emplace_back(p.type);
  params[0].floats = {1, 2, 3};
  params[1].integers = {0, 1, 1, 1};
  interpret_kernel(kernel, params);
  CHECK(params[2].floats == std::vector<double>{9, 1, 2, 3});
  CHECK(params[3].floats == std::vector<double>{1, 3});
}

TEST_CASE("sums of integers and computed indices wrap, and what is read beside a parameter is exact") {
  const Kernel kernel = parse_kernel(R"(kernel k {
  axes i:3
  params n:i64[3] total:i64[1] out around:i64[3] out counts:i64[1] out
  total[0] = s0() = sum i: n[i]
  around[i] = s1(i) = n[4611686018427387904*(n[i])+1] pad 9007199254740993
  counts[0] += s2(i) = n[i]
})");
  std::vector<Tensor> params;
  for (const Param &p : kernel.params)
    params.emplace_back(p.type);
  params[0].integers = {INT64_MAX, 4, 3};
  interpret_kernel(kernel, params);
  const int64_t sum = INT64_MIN + 6;
  CHECK(params[1].integers[0] == sum);
  CHECK(params[2].integers == std::vector<int64_t>{9007199254740993, 4, 9007199254740993});
  CHECK(params[3].integers[0] == sum);
}
