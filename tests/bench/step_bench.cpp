// Whole training steps, cold compilation, and the machine's peak beside them. `--benchmark_filter=step/` for the steps
// alone.
#include "compiler/reports/machine_peak.h"
#include "tests/bench/workload.h"

#include <benchmark/benchmark.h>

using namespace gradc::bench;

void register_kernel_benchmarks();
namespace gradc::bench {
void register_compile_benchmarks();
}

namespace {

struct Model {
  const char *name;
  std::vector<int64_t> batches;
};
const Model kModels[] = {{"mlp_4_16_3", {1, 32, 128}},         {"mlp_784_128_10", {1, 32, 128}},
                         {"mlp_784_512_512_10", {1, 32, 128}}, {"lenet5", {1, 32, 128}},
                         {"resnet20", {8, 32}}};

void step(benchmark::State &state, const char *model) {
  Workload workload(model, state.range(0), static_cast<int>(state.range(1)));
  for (int i = 0; i < 20; ++i)
    workload.step();
  for (auto _ : state)
    benchmark::DoNotOptimize(workload.step());
  state.counters["GFLOP/s"] = benchmark::Counter(workload.flop() / 1e9, benchmark::Counter::kIsIterationInvariantRate);
}

void compile(benchmark::State &state, const char *model) {
  for (auto _ : state)
    state.SetIterationTime(Workload(model, 32, 1).compile_seconds());
}

void peak(benchmark::State &state) {
  double best = 0;
  for (auto _ : state)
    best = std::max(best, gradc::multiply_add_peak());
  state.counters["GFLOP/s"] = best;
}

} // namespace

int main(int argc, char **argv) {
  benchmark::RegisterBenchmark("fma_peak", peak)->Iterations(1)->Unit(benchmark::kMillisecond);
  for (const auto &[model, batches] : kModels) {
    benchmark::RegisterBenchmark((std::string("step/") + model).c_str(), step, model)
        ->ArgsProduct({batches, {1, 2}})->ArgNames({"batch", "threads"})->UseRealTime()->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark((std::string("compile/") + model).c_str(), compile, model)
        ->UseManualTime()->Iterations(5)->Unit(benchmark::kMillisecond);
  }
  register_kernel_benchmarks();
  register_compile_benchmarks();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
