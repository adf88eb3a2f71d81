// Code for the levels of x86-64: each alone, and all in one shared object that picks at load.
#include "compiler/engines/aot.h"
#include "compiler/engines/build_model.h"
#include "compiler/engines/jit.h"
#include "compiler/engines/shared_model.h"
#include "ir/error.h"
#include "runtime/core/core.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace gradc {
namespace {

namespace fs = std::filesystem;

struct File {
  std::string path;
  explicit File(const char *name) : path(fs::temp_directory_path() / (std::to_string(getpid()) + name)) {}
  ~File() { fs::remove(path); }
};

ModelSpec model(const char *path, const std::vector<EntryRequest> &requests) {
  Diagnostics diagnostics;
  std::optional<Model> model = load_model(std::string(GRADC_SOURCE_DIR) + path, {}, diagnostics);
  REQUIRE(model);
  return build_model(*model, requests, DType::f32, {});
}

ModelSpec small_model() {
  return model("/tests/bench/models/mlp_4_16_3.json", {{Entry::init, 0}, {Entry::train_step, 32}});
}

CodegenOptions for_targets(const std::string &names) {
  std::vector<Target> targets = parse_targets(names);
  CodegenOptions options;
  options.target = targets[0];
  options.higher.assign(targets.begin() + 1, targets.end());
  return options;
}

/// The parameters after a few steps on made-up data.
std::vector<float> train(const gradc_model &table) {
  std::vector<std::vector<double>> memory; // doubles, for alignment; 64 bytes of slack to align further
  gradc_call call{};
  call.struct_size = sizeof call;
  std::vector<void *> arenas;
  for (int32_t a = 0; a < table.arena_count; ++a) {
    memory.emplace_back(static_cast<size_t>(gradc_arena_bytes(gradc_arena_at(&table, a), 1)) / 8 + 16);
    arenas.push_back(reinterpret_cast<void *>((reinterpret_cast<uintptr_t>(memory.back().data()) + 63) / 64 * 64));
  }
  call.arenas = arenas.data();
  call.arena_count = table.arena_count;
  float x[32 * 4];
  int32_t y[32];
  for (int i = 0; i < 128; ++i)
    x[i] = static_cast<float>(i * 37 % 64) / 32 - 1;
  for (int i = 0; i < 32; ++i)
    y[i] = i % 3;
  double loss = 0;
  const void *inputs[] = {x, y};
  void *outputs[] = {&loss};
  call.inputs = inputs;
  call.outputs = outputs;
  for (int32_t e = 0; e < table.entry_count; ++e)
    for (call.step = 0; call.step < 5; ++call.step)
      REQUIRE(gradc_entry_at(&table, e)->run(gradc_entry_at(&table, e), &call) == GRADC_OK);
  for (int32_t a = 0; a < table.arena_count; ++a)
    if (gradc_arena_at(&table, a)->kind == GRADC_PARAMS) {
      const float *params = static_cast<const float *>(arenas[static_cast<size_t>(a)]);
      return {params, params + gradc_arena_at(&table, a)->bytes / 4};
    }
  return {};
}

TEST_CASE("the level of this processor is what its features say", "[targets]") {
  CHECK(host_target().level == gradc_core_cpu_level());
  CHECK(parse_target("x86-64").level == 1);
  CHECK(parse_target("x86-64-v2").level == 2);
  CHECK(parse_target("x86-64-v3").level == 3);
  CHECK(parse_target("x86-64-v4").level == 4);
}

TEST_CASE("a list of targets is put in order", "[targets]") {
  std::vector<Target> targets = parse_targets("x86-64-v4,x86-64,x86-64-v3");
  REQUIRE(targets.size() == 3);
  CHECK(targets[0].cpu == "x86-64");
  CHECK(targets[1].cpu == "x86-64-v3");
  CHECK(targets[2].cpu == "x86-64-v4");
  CHECK_THROWS_AS(parse_targets("native,x86-64"), Error);
  CHECK_THROWS_AS(parse_targets("x86-64-v2,x86-64-v2"), Error);
  CHECK_THROWS_AS(parse_targets("x86-64-v2,"), Error);
  CHECK_THROWS_AS(parse_targets("x86-64-v5"), Error);
}

TEST_CASE("every level trains alike", "[targets]") {
  const ModelSpec spec = small_model();
  const std::vector<float> expected = train(*JitModel(spec, for_targets("x86-64")).table());
  for (const char *name : {"x86-64-v2", "x86-64-v3", "x86-64-v4"}) {
    INFO(name);
    if (parse_target(name).level > gradc_core_cpu_level())
      continue;
    const std::vector<float> found = train(*JitModel(spec, for_targets(name)).table());
    REQUIRE(found.size() == expected.size());
    for (size_t i = 0; i < found.size(); ++i)
      CHECK(found[i] == Approx(expected[i]).epsilon(1e-4).margin(1e-6)); // another order of sums, fused or not
  }
}

TEST_CASE("a shared object of many levels runs the best of this processor", "[targets]") {
  const ModelSpec spec = small_model();
  const char *const names[] = {"x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
  const char *best = names[gradc_core_cpu_level() - 1];
  File file("-levels.so");
  write_shared_object(compile_model(spec, for_targets("x86-64,x86-64-v2,x86-64-v3,x86-64-v4")), file.path);
  SharedModel shared(file.path);
  const std::vector<float> found = train(*shared.table());
  const std::vector<float> expected = train(*JitModel(spec, for_targets(best)).table());
  REQUIRE(found.size() == expected.size());
  CHECK(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)) == 0);
}

TEST_CASE("a model for better processors than this one has no table", "[targets]") {
  const ModelSpec spec = small_model();
  CodegenOptions options = for_targets("x86-64-v2");
  options.target.level = 5; // a level that does not exist yet
  File file("-future.so");
  write_shared_object(compile_model(spec, options), file.path);
  CHECK_THROWS_WITH(SharedModel(file.path), Catch::Contains("lacks") && Catch::Contains("--target"));
  CHECK_THROWS_WITH(JitModel(spec, options), Catch::Contains("lacks") && Catch::Contains("x86-64-v2"));
}

TEST_CASE("a model of several modules is one object", "[targets]") {
  const ModelSpec spec = model("/tests/bench/models/mlp_784_128_10.json", {{Entry::init, 0}, {Entry::train_step, 32}});
  const CodegenOptions options = for_targets("x86-64-v2");
  const std::vector<std::string> objects = compile_objects(spec, options);
  CHECK(objects.size() > 1);
  CHECK(objects == compile_objects(spec, options)); // whatever threads do first
  File file(".o");
  write_object(compile_model(spec, options), file.path);
  CHECK(fs::file_size(file.path) > 1000);
  CHECK(objects == compile_objects(spec, options)); // whatever the linker did to LLVM's options
}

TEST_CASE("a shared object of a small network is small", "[targets]") {
  const std::vector<EntryRequest> all = {
      {Entry::init, 0},     {Entry::train_step, 32}, {Entry::grad_step, 32}, {Entry::apply, 0},   {Entry::evaluate, 1},
      {Entry::evaluate, 32}, {Entry::predict, 1},    {Entry::predict, 32}};
  const std::string name = GENERATE("mlp_4_16_3", "mlp_784_128_10", "mlp_784_512_512_10");
  INFO(name);
  File file("-size.so");
  write_shared_object(compile_model(model(("/tests/bench/models/" + name + ".json").c_str(), all), for_targets("x86-64-v4")), file.path);
  CHECK(fs::file_size(file.path) <= 76 << 10);
}

} // namespace
} // namespace gradc
