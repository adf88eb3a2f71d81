// How long models of many layers take from their text to code that can be called: for the first time, and again.
#include "compiler/engines/build_model.h"
#include "compiler/engines/jit.h"
#include "ir/error.h"
#include "tests/support/deep_model.h"

#include <benchmark/benchmark.h>

#include <filesystem>
#include <stdlib.h>

namespace gradc::bench {
namespace {

namespace fs = std::filesystem;

/// A folder for a cache, empty at first.
class CacheFolder {
public:
  CacheFolder() {
    std::string pattern = (fs::temp_directory_path() / "gradc-bench-XXXXXX").string();
    if (!mkdtemp(pattern.data()))
      throw Error("cannot make a temporary folder");
    path_ = pattern;
  }
  ~CacheFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string &path() const { return path_; }

private:
  std::string path_;
};

// From the text of a model to its train_step.
void start(const std::string &text, const std::string &cache) {
  Diagnostics diagnostics;
  const std::optional<Model> model = load_model_text(text, "deep.json", {}, diagnostics);
  if (!model)
    throw Error(diagnostics.render());
  CodegenOptions options;
  options.target = host_target();
  if (!cache.empty())
    options.cache = ObjectCache(cache, int64_t{1} << 30);
  const JitModel jit(build_graphs(*model, {{Entry::train_step, 32}}, DType::f32), options);
  benchmark::DoNotOptimize(jit.table());
}

void cold(benchmark::State &state) {
  const std::string text = deep_model_text(static_cast<int>(state.range(0)), 64, "adam");
  for (auto _ : state)
    start(text, "");
}

void again(benchmark::State &state) {
  const std::string text = deep_model_text(static_cast<int>(state.range(0)), 64, "adam");
  const CacheFolder folder;
  start(text, folder.path());
  for (auto _ : state)
    start(text, folder.path());
}

} // namespace

void register_compile_benchmarks() {
  for (int layers : {100, 150, 1000, 1050})
    benchmark::RegisterBenchmark("deep/cold", cold)->Arg(layers)->ArgName("layers")->MeasureProcessCPUTime()->Iterations(3)
        ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("deep/again", again)->Arg(1000)->ArgName("layers")->MeasureProcessCPUTime()->Iterations(5)
      ->Unit(benchmark::kMillisecond);
}

} // namespace gradc::bench
