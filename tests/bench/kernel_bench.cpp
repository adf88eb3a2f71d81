// Single kernels: contractions in every transposition, convolutions and their gradients, elementwise chains, reductions, row
// softmax.
#include "tests/bench/convolutions.h"
#include "tests/bench/graph_runner.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

using namespace gradc::bench;

namespace {

struct Gemm {
  int64_t m, n, k;
};

// nn: A[m,k] B[k,n]; tn: A[k,m] B[k,n] (weight gradient); nt: A[m,k] B[n,k] (input gradient).
std::string gemm_text(const Gemm &g, std::string_view form) {
  bool ta = form[0] == 't', tb = form[1] == 't';
  return fmt::format("graph @gemm {{\n  input %a : f32[{},{}]\n  input %b : f32[{},{}]\n"
                     "  %0 = contract %a, %b {{indices=\"{},{}->ij\"}} : f32[{},{}]\n  return %0 as c\n}}\n",
                     ta ? g.k : g.m, ta ? g.m : g.k, tb ? g.n : g.k, tb ? g.k : g.n, ta ? "ki" : "ik", tb ? "jk" : "kj",
                     g.m, g.n);
}

void gemm(benchmark::State &state, Gemm g, std::string form, int threads) {
  GraphRunner runner(gemm_text(g, form), threads);
  for (auto _ : state)
    runner.run();
  double flop = 2.0 * static_cast<double>(g.m * g.n * g.k);
  state.counters["GFLOP/s"] = benchmark::Counter(flop / 1e9, benchmark::Counter::kIsIterationInvariantRate);
}

void conv(benchmark::State &state, Convolution c, std::string form, int threads) {
  GraphRunner runner(convolution_text(c, form), threads);
  for (auto _ : state)
    runner.run();
  state.counters["GFLOP/s"] = benchmark::Counter(c.flop() / 1e9, benchmark::Counter::kIsIterationInvariantRate);
}

// Reads and writes `bytes` an iteration.
void graph(benchmark::State &state, std::string text, double bytes) {
  GraphRunner runner(text, 1);
  for (auto _ : state)
    runner.run();
  state.counters["GB/s"] = benchmark::Counter(bytes / 1e9, benchmark::Counter::kIsIterationInvariantRate);
}

std::string chain_text(int64_t n) {
  return fmt::format("graph @chain {{\n  input %x : f32[{0}]\n  input %y : f32[{0}]\n  %0 = mul %x, %y : f32[{0}]\n"
                     "  %1 = add %0, %x : f32[{0}]\n  %2 = maximum %1, %y : f32[{0}]\n  %3 = sub %2, %x : f32[{0}]\n"
                     "  %4 = mul %3, %3 : f32[{0}]\n  %5 = add %4, %y : f32[{0}]\n  return %5 as z\n}}\n", n);
}

std::string softmax_text(int64_t rows, int64_t columns) {
  return fmt::format("graph @softmax {{\n  input %x : f32[{0},{1}]\n  %0 = max %x {{axes=[1], keep=true}} : f32[{0},1]\n"
                     "  %1 = sub %x, %0 : f32[{0},{1}]\n  %2 = exp %1 : f32[{0},{1}]\n"
                     "  %3 = sum %2 {{axes=[1], keep=true}} : f32[{0},1]\n  %4 = div %2, %3 : f32[{0},{1}]\n"
                     "  return %4 as y\n}}\n", rows, columns);
}

std::string row_sum_text(int64_t rows, int64_t columns, int axis) {
  return fmt::format("graph @sum {{\n  input %x : f32[{},{}]\n  %0 = sum %x {{axes=[{}]}} : f32[{}]\n  return %0 as y\n}}\n",
                     rows, columns, axis, axis == 0 ? columns : rows);
}

} // namespace

void register_kernel_benchmarks() {
  const Gemm shapes[] = {{64, 64, 64},    {128, 128, 128}, {256, 256, 256}, {512, 512, 512}, {32, 128, 784},
                         {2048, 64, 576}, {64, 10, 256},   {1000, 17, 33},  {1, 512, 784}};
  for (const Gemm &g : shapes)
    for (const char *form : {"nn", "tn", "nt"})
      for (int threads : {1, 2})
        benchmark::RegisterBenchmark(fmt::format("gemm/{}/{}x{}x{}/threads:{}", form, g.m, g.n, g.k, threads).c_str(), gemm,
                                     g, std::string(form), threads)
            ->UseRealTime();
  for (const Convolution &c : kConvolutions)
    for (const char *form : kConvolutionForms)
      for (int threads : {1, 2}) {
        const std::string shape = fmt::format("n{}_c{}_{}_o{}_k{}_s{}", c.n, c.in, c.size, c.out, c.k, c.stride);
        benchmark::RegisterBenchmark(fmt::format("conv/{}/{}/threads:{}", form, shape, threads).c_str(), conv, c, std::string(form),
                                     threads)
            ->UseRealTime();
      }
  for (int64_t n : {int64_t{4096}, int64_t{1} << 18, int64_t{1} << 23})
    benchmark::RegisterBenchmark(fmt::format("chain/{}", n).c_str(), graph, chain_text(n), 12.0 * static_cast<double>(n));
  for (int64_t columns : {10, 128, 1000})
    benchmark::RegisterBenchmark(fmt::format("softmax/128x{}", columns).c_str(), graph, softmax_text(128, columns),
                                 8.0 * 128 * static_cast<double>(columns));
  for (int axis : {0, 1})
    benchmark::RegisterBenchmark(fmt::format("sum/512x512/axis:{}", axis).c_str(), graph, row_sum_text(512, 512, axis),
                                 4.0 * 512 * 512);
}
