// The ABI as its callers see it: hosts that were compiled before it grew (abi/old_host.c), and what becomes of calls that
// are wrong (abi/statuses.c).
#include "compiler/engines/build_model.h"
#include "compiler/engines/interpreted_model.h"
#include "compiler/engines/jit.h"
#include "tests/support/compiled_library.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <dlfcn.h>

namespace gradc {
namespace {

// As in old_host.c.
struct Result {
  double first_loss = 0, last_loss = 0, last_rate = 0;
  int32_t bad_label = 0, loaded = -1, same = 0;
};
using OldHost = int (*)(const gradc_model *, const char *path, Result *);

/// The host, compiled just now from the files that never change.
class CompiledHost {
public:
  CompiledHost() {
    const std::string source = std::string(GRADC_SOURCE_DIR) + "/tests/abi/old_host.c", library = folder_ / "host.so";
    const std::string command = "cc -std=gnu99 -O1 -shared -fPIC '" + source + "' -o '" + library + "'";
    REQUIRE(std::system(command.c_str()) == 0);
    handle_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    REQUIRE(handle_);
  }
  ~CompiledHost() { dlclose(handle_); }
  CompiledHost(const CompiledHost &) = delete;
  int run(const gradc_model &model, Result &result) const {
    return reinterpret_cast<OldHost>(dlsym(handle_, "old_host"))(&model, (folder_ / "weights.safetensors").c_str(), &result);
  }

private:
  runtime::TemporaryFolder folder_;
  void *handle_ = nullptr;
};

ModelSpec classifier() {
  Diagnostics diagnostics;
  const std::optional<Model> model =
      load_model(std::string(GRADC_SOURCE_DIR) + "/examples/iris/model.json",
                 {R"(optimizer.learning_rate={"type": "cosine", "initial": 0.02})"}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(model);
  std::vector<EntryRequest> entries;
  for (Entry entry : entries_of(*model))
    entries.push_back({entry, entry == Entry::predict ? 1 : takes_examples(entry) ? 32 : 0});
  return build_model(*model, entries, DType::f32, RunOptions{});
}

void check_host(const gradc_model &model) {
  static const CompiledHost host;
  Result result;
  REQUIRE(host.run(model, result) == 0);
  CHECK(result.last_loss < 0.7 * result.first_loss);
  CHECK(result.last_rate > 0);
  CHECK(result.last_rate < 0.001); // what the schedule has left of 0.02
  CHECK(result.loaded == GRADC_OK);
  CHECK(result.same == 1);
  CHECK(result.bad_label == GRADC_BAD_LABEL); // a status that the host cannot know
}

/// A table that has grown further: larger records of all kinds, and an arena and an entry of kinds that do not exist.
class GrownTable {
public:
  explicit GrownTable(const gradc_model &model) {
    constexpr int32_t kMore = 24;
    auto grown = [&](const void *first, int32_t count, int32_t &size, std::vector<std::byte> &records, const auto *extra) {
      const int32_t larger = size + kMore;
      records.assign(static_cast<size_t>(larger) * static_cast<size_t>(count + 1), std::byte{0x5a});
      for (int32_t i = 0; i < count; ++i)
        std::memcpy(&records[static_cast<size_t>(i) * static_cast<size_t>(larger)], gradc_record(first, i, size),
                    static_cast<size_t>(size));
      if (extra)
        std::memcpy(&records[static_cast<size_t>(count) * static_cast<size_t>(larger)], extra, sizeof *extra);
      size = larger;
      return records.data();
    };
    auto at = [](auto *&list, const std::byte *records) { list = reinterpret_cast<decltype(list + 0)>(records); };
    std::memcpy(&table, &model, sizeof table);
    static const gradc_arena arena{"unheard-of", 77, GRADC_LIFE_RUN, 1 << 12, 64};
    static const gradc_entry entry{"unheard-of", 77, 0, 32, 0, 0, 0, 0, nullptr, nullptr, nullptr};
    const int32_t value_size = table.value_size;
    at(table.arenas, grown(model.arenas, table.arena_count, table.arena_size, arenas_, &arena));
    at(table.tensors, grown(model.tensors, table.tensor_count, table.tensor_size, tensors_, static_cast<gradc_tensor *>(nullptr)));
    at(table.hypers, grown(model.hypers, table.hyper_count, table.hyper_size, hypers_, static_cast<gradc_hyper *>(nullptr)));
    at(table.entries, grown(model.entries, table.entry_count, table.entry_size, entries_, &entry));
    table.value_size = value_size; // entries that are compiled in have outputs of the size of today
    ++table.arena_count;
    ++table.entry_count;
    table.struct_size += 64;
  }
  gradc_model table{};

private:
  std::vector<std::byte> arenas_, tensors_, hypers_, entries_;
};

} // namespace

TEST_CASE("abi: a host compiled against the first version 2 runs what is compiled today", "[abi]") {
  const ModelSpec spec = classifier();
  CodegenOptions codegen;
  codegen.target = host_target();
  const JitModel jit(spec, codegen);
  static_assert(sizeof(gradc_call) > GRADC_CALL_LEAST, "the call has grown since");
  SECTION("compiled") { check_host(*jit.table()); }
  SECTION("compiled, with a table of the future") { check_host(GrownTable(*jit.table()).table); }
  SECTION("interpreted") { check_host(*InterpretedModel(spec).table()); }
}

// Prints a line a call, and fails when one has another status than it should or a refused one has changed a byte.
TEST_CASE("abi: every status is provoked, and a refused call changes no byte", "[abi]") {
  const std::string root = GRADC_SOURCE_DIR;
  const tests::CompiledLibrary iris(root + "/examples/iris/model.json", "iris");
  tests::shell("cc -std=gnu99 -Wall -Wextra -Wpedantic -Werror -I" + iris.path("") + " " + root + "/tests/abi/statuses.c " +
               iris.link_flags() + " -o " + iris.path("statuses"));
  const std::string shown = tests::shell("cd " + iris.path("") + " && ./statuses");
  for (int32_t status : {GRADC_BAD_CALL, GRADC_NULL_POINTER, GRADC_MISSING_ARENA, GRADC_NOT_COMPILED, GRADC_BAD_LABEL,
                         GRADC_BAD_HYPER, GRADC_OUT_OF_MEMORY, GRADC_IO_ERROR, GRADC_BAD_FILE, GRADC_MISMATCH, GRADC_BAD_VALUE,
                         GRADC_NOT_FINITE})
    CHECK(shown.find(": " + std::to_string(status) + ",") != shown.npos);
}

} // namespace gradc
