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

const char *const kModels[] = {"mlp_4_16_3", "mlp_784_128_10", "mlp_784_512_512_10"};

void step(benchmark::State &state, const char *model) {
  Workload workload(model, state.range(0), static_cast<int>(state.range(1)));
  for (int i = 0; i < 20; ++i)
    workload.step();
  for (auto _ : state)
    benchmark::DoNotOptimize(workload.step());
  const gradc_model &t = workload.table();
  double contractions = 0; // multiply-adds of forward, dW and dX; no dX for the first layer
  bool first = true;
  for (int32_t i = 0; i < t.tensor_count; ++i)
    if (const gradc_tensor &w = *gradc_tensor_at(&t, i); gradc_arena_at(&t, w.arena)->kind == GRADC_PARAMS && w.rank == 2) {
      contractions += static_cast<double>(w.dims[0] * w.dims[1]) * (first ? 2 : 3);
      first = false;
    }
  double flop = 2 * contractions * static_cast<double>(state.range(0));
  state.counters["GFLOP/s"] = benchmark::Counter(flop / 1e9, benchmark::Counter::kIsIterationInvariantRate);
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
  for (const char *model : kModels) {
    benchmark::RegisterBenchmark((std::string("step/") + model).c_str(), step, model)
        ->ArgsProduct({{1, 32, 128}, {1, 2}})->ArgNames({"batch", "threads"})->UseRealTime()->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark((std::string("compile/") + model).c_str(), compile, model)
        ->UseManualTime()->Iterations(5)->Unit(benchmark::kMillisecond);
  }
  register_kernel_benchmarks();
  register_compile_benchmarks();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
