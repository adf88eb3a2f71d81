// The cache of compiled objects: what it gives back is what was stored, whatever happens to its files.
#include "compiler/engines/build_model.h"
#include "compiler/engines/cache.h"

#include "compiler/engines/jit.h"
#include "ir/error.h"
#include "ir/text/text.h"
#include "passes/runner.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace gradc {
namespace {

namespace fs = std::filesystem;
using Objects = std::vector<std::string>;

constexpr int64_t kPlenty = 1 << 20;

class Folder {
public:
  Folder() {
    char pattern[] = "/tmp/gradc-cache-XXXXXX";
    REQUIRE(mkdtemp(pattern));
    path_ = pattern;
  }
  ~Folder() {
    fs::permissions(path_, fs::perms::owner_all);
    fs::remove_all(path_);
  }
  const std::string &path() const { return path_; }
  std::vector<fs::path> files() const { return {fs::directory_iterator(path_), fs::directory_iterator()}; }

private:
  std::string path_;
};

std::string read(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void write(const fs::path &path, const std::string &bytes) { std::ofstream(path, std::ios::binary) << bytes; }

ModelSpec small_model() {
  Graph graph = parse_graph("graph {\n"
                            "  input %x : f32[4]\n"
                            "  %0 = exp %x : f32[4]\n"
                            "  return %0\n"
                            "}\n");
  run_passes(graph, {});
  ModelSpec spec;
  spec.name = "small", spec.signature = "{}";
  spec.entries.push_back({"run", 0, std::move(graph)});
  return spec;
}

CodegenOptions cached(const std::string &folder, std::vector<std::string> &stages) {
  CodegenOptions options;
  options.target = host_target();
  options.cache = ObjectCache(folder, kPlenty);
  options.on_time = [&stages](std::string_view stage, double) { stages.emplace_back(stage); };
  return options;
}

TEST_CASE("a stored object is found under its key and under no other", "[cache]") {
  Folder folder;
  ObjectCache cache(folder.path(), kPlenty);
  const Objects objects = {"first", std::string("\0second", 7), ""};
  const std::string key = object_key("a"), other = object_key("b");
  REQUIRE(key.size() == 64);
  REQUIRE(key != other);
  CHECK_FALSE(cache.load(key));
  cache.store(key, objects);
  CHECK(cache.load(key) == objects);
  CHECK_FALSE(cache.load(other));
}

TEST_CASE("the folder is made, for the user alone", "[cache]") {
  Folder folder;
  const std::string nested = folder.path() + "/a/b";
  ObjectCache cache(nested, kPlenty);
  cache.store(object_key("a"), {"object"});
  CHECK(cache.load(object_key("a")));
  CHECK((fs::status(nested).permissions() & fs::perms::all) == fs::perms::owner_all);
}

TEST_CASE("a file that is not whole is a miss, and is replaced", "[cache]") {
  Folder folder;
  ObjectCache cache(folder.path(), kPlenty);
  const std::string key = object_key("a");
  cache.store(key, {"object", "another"});
  const fs::path path = folder.files().at(0);
  const std::string whole = read(path);
  for (size_t length = 0; length < whole.size(); ++length) {
    write(path, whole.substr(0, length));
    CHECK_FALSE(cache.load(key));
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] ^= 1;
    write(path, flipped);
    CHECK_FALSE(cache.load(key));
  }
  write(path, whole + "x");
  CHECK_FALSE(cache.load(key));
  cache.store(key, {"object", "another"});
  CHECK(cache.load(key) == Objects{"object", "another"});
}

TEST_CASE("the files used longest ago go when there are too many bytes", "[cache]") {
  Folder folder;
  ObjectCache cache(folder.path(), 3500);
  const Objects kilobyte = {std::string(1000, 'x')};
  auto age = [&](const std::string &key, int hours) {
    const auto now = fs::file_time_type::clock::now();
    fs::last_write_time(folder.path() + "/" + key + ".gradc", now - std::chrono::hours(hours));
  };
  const std::string a = object_key("a"), b = object_key("b"), c = object_key("c"), d = object_key("d");
  for (const std::string &key : {a, b, c})
    cache.store(key, kilobyte);
  age(a, 3);
  age(b, 2);
  age(c, 1);
  CHECK(cache.load(a)); // which makes it the newest
  write(folder.path() + "/notes.txt", std::string(5000, 'x'));
  cache.store(d, kilobyte);
  CHECK(cache.load(a));
  CHECK_FALSE(cache.load(b));
  CHECK(cache.load(c));
  CHECK(cache.load(d));
  CHECK(fs::exists(folder.path() + "/notes.txt")); // not the cache's
}

TEST_CASE("what is larger than the bound is not stored", "[cache]") {
  Folder folder;
  ObjectCache(folder.path(), 100).store(object_key("a"), {std::string(200, 'x')});
  CHECK(folder.files().empty());
}

TEST_CASE("a folder that cannot be used or trusted is ignored", "[cache]") {
  Folder folder;
  const std::string key = object_key("a");
  ObjectCache cache(folder.path(), kPlenty);
  cache.store(key, {"object"});
  SECTION("everyone may write to it") {
    REQUIRE(chmod(folder.path().c_str(), 0777) == 0);
    CHECK_FALSE(cache.load(key));
  }
  SECTION("it is a file") {
    write(folder.path() + "/file", "");
    ObjectCache on_file(folder.path() + "/file", kPlenty);
    on_file.store(key, {"object"});
    CHECK_FALSE(on_file.load(key));
  }
  SECTION("it cannot be made") {
    ObjectCache nowhere("/proc/gradc", kPlenty);
    nowhere.store(key, {"object"});
    CHECK_FALSE(nowhere.load(key));
  }
}

// Each writes and reads the same few keys; what is read must be what some writer stored, whole.
void hammer(const std::string &folder, int rounds, bool &ok) {
  ObjectCache cache(folder, 3000);
  for (int i = 0; i < rounds; ++i) {
    const std::string letter(1, static_cast<char>('a' + i % 5)), key = object_key(letter);
    const Objects objects = {std::string(900, letter[0])};
    cache.store(key, objects);
    std::optional<Objects> found = cache.load(key);
    ok &= !found || *found == objects;
  }
}

TEST_CASE("threads and processes share a cache", "[cache]") {
  Folder folder;
  constexpr int kWriters = 3, kRounds = 60;
  std::vector<pid_t> children;
  for (int i = 0; i < kWriters; ++i) {
    pid_t child = fork();
    if (child == 0) {
      bool ok = true;
      hammer(folder.path(), kRounds, ok);
      _exit(ok ? 0 : 1);
    }
    children.push_back(child);
  }
  bool ok[kWriters] = {true, true, true};
  {
    std::vector<std::jthread> threads;
    for (bool &mine : ok)
      threads.emplace_back([&] { hammer(folder.path(), kRounds, mine); });
  }
  for (bool mine : ok)
    CHECK(mine);
  for (pid_t child : children) {
    int status = 1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  for (const fs::path &file : folder.files())
    CHECK(file.extension() == ".gradc"); // no temporary file is left
}

TEST_CASE("a second compilation comes from the cache and is the same", "[cache]") {
  Folder folder;
  std::vector<std::string> first, second;
  const ModelSpec spec = small_model();
  const Objects cold = compile_objects(spec, cached(folder.path(), first));
  const Objects warm = compile_objects(spec, cached(folder.path(), second));
  CHECK(cold == warm);
  CHECK(first.front() == "cache miss");
  CHECK(second == std::vector<std::string>{"cache hit"}); // nothing was emitted
}

TEST_CASE("another target, graph or signature is compiled anew", "[cache]") {
  Folder folder;
  std::vector<std::string> stages;
  CodegenOptions options = cached(folder.path(), stages);
  ModelSpec spec = small_model();
  compile_objects(spec, options);
  stages.clear();
  SECTION("target") { options.target = parse_target("x86-64"); }
  SECTION("more targets") { options.higher = {parse_target("x86-64-v4")}; }
  SECTION("signature") { spec.signature = "{\"a\":1}"; }
  SECTION("batch") { spec.entries[0].batch = 3; }
  SECTION("offsets") { spec.entries[0].graph.plan->arena_bytes += 64; }
  compile_objects(spec, options);
  CHECK(stages.front() == "cache miss");
}

TEST_CASE("one compilation of the kernels serves any schedule", "[cache]") {
  Folder folder;
  bool first = true;
  for (const char *rate : {"0.1", "0.2", R"({"type": "cosine", "initial": 0.1})", R"({"type": "one_cycle", "initial": 0.1})",
                           R"({"type": "piecewise", "initial": 0.1, "boundaries": [3], "factors": [0.5]})"}) {
    INFO(rate);
    Diagnostics diagnostics;
    const std::optional<Model> model = load_model_text(
        R"({"inputs": {"x": {"shape": [3]}, "y": {"shape": [2]}}, "layers": [{"type": "dense", "units": 2, "input": "x"}],
            "loss": {"type": "mse", "target": "y"}, "optimizer": {"type": "sgd", "learning_rate": )" + std::string(rate) + "}}",
        "m.json", {}, diagnostics);
    REQUIRE(model);
    std::vector<EntryRequest> entries;
    for (Entry entry : entries_of(*model))
      entries.push_back({entry, takes_examples(entry) ? 4 : 0});
    std::vector<std::string> stages;
    compile_objects(build_model(*model, entries, DType::f32, {}), cached(folder.path(), stages));
    CHECK(stages.front() == "cache miss");
    CHECK(std::ranges::count(stages, first ? "cache miss of kernels" : "cache hit of kernels") == 1);
    first = false;
  }
}

TEST_CASE("a model from the cache runs", "[cache]") {
  Folder folder;
  std::vector<std::string> stages;
  const ModelSpec spec = small_model();
  for (int attempt = 0; attempt < 2; ++attempt) {
    JitModel jit(spec, cached(folder.path(), stages));
    const gradc_entry &entry = *gradc_entry_at(jit.table(), 0);
    const float x[4] = {0, 0, 0, 0};
    float y[4] = {};
    const void *inputs[] = {x};
    void *outputs[] = {y};
    gradc_call call{};
    call.struct_size = sizeof call;
    call.inputs = inputs;
    call.outputs = outputs;
    REQUIRE(entry.run(&entry, &call) == GRADC_OK);
    CHECK(y[3] == 1);
  }
}

TEST_CASE("the environment says where the cache is", "[cache]") {
  struct Variable {
    const char *name;
    std::optional<std::string> before;
    Variable(const char *n, const std::string &value) : name(n) {
      if (const char *old = getenv(n))
        before = old;
      setenv(n, value.c_str(), 1);
    }
    ~Variable() { before ? setenv(name, before->c_str(), 1) : unsetenv(name); }
  };
  Folder folder;
  const std::string key = object_key("a");
  auto stored_under = [&](const std::string &path) {
    ObjectCache::from_environment()->store(key, {"object"});
    return fs::exists(path + "/" + key + ".gradc");
  };
  Variable home("HOME", folder.path() + "/home"), shared("XDG_CACHE_HOME", ""), own("GRADC_CACHE_DIR", "");
  CHECK_FALSE(ObjectCache::from_environment()); // a home that is not there is not made
  fs::create_directory(folder.path() + "/home");
  CHECK(stored_under(folder.path() + "/home/.cache/gradc"));
  setenv("XDG_CACHE_HOME", (folder.path() + "/xdg").c_str(), 1);
  CHECK(stored_under(folder.path() + "/xdg/gradc"));
  setenv("GRADC_CACHE_DIR", (folder.path() + "/own").c_str(), 1);
  CHECK(stored_under(folder.path() + "/own"));
  Variable bound("GRADC_CACHE_BYTES", "10");
  fs::remove_all(folder.path() + "/own");
  CHECK_FALSE(stored_under(folder.path() + "/own"));
  setenv("GRADC_CACHE_BYTES", "ten", 1);
  CHECK_THROWS_AS(ObjectCache::from_environment(), Error);
}

} // namespace
} // namespace gradc
