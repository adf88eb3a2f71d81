// Memory planning: offsets against the lower bound, on hard instances, on random training graphs and on whole models.
#include "compiler/engines/build_model.h"
#include "ir/text/text.h"
#include "ir/verifier.h"
#include "passes/offsets.h"
#include "tests/support/random_graph.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <random>

using namespace gradc;
using namespace gradc::tests;

namespace {

namespace fs = std::filesystem;

// The library's own distributions differ between implementations.
int64_t below(std::mt19937_64 &rng, int64_t n) { return static_cast<int64_t>(rng() % static_cast<uint64_t>(n)); }

bool is_valid(const std::vector<Buffer> &buffers, int64_t arena) {
  for (size_t i = 0; i < buffers.size(); ++i) {
    const Buffer &a = buffers[i];
    if (a.offset < 0 || a.offset + a.bytes > arena)
      return false;
    for (size_t j = 0; j < i; ++j) {
      const Buffer &b = buffers[j];
      if (a.overlaps_in_time(b) && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes)
        return false;
    }
  }
  return true;
}

// Arena over lower bound, after checking the placement.
double arena_over_bound(std::vector<Buffer> buffers) {
  const int64_t arena = assign_offsets(buffers);
  CHECK(is_valid(buffers, arena));
  return static_cast<double>(arena) / static_cast<double>(largest_live_bytes(buffers));
}

// Sizes of three magnitudes, lives of any position.
std::vector<Buffer> scattered_buffers(uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::vector<Buffer> buffers;
  for (int64_t i = 0, n = 30 + below(rng, 150); i < n; ++i) {
    const int first = static_cast<int>(below(rng, 60)), last = std::min(59, first + static_cast<int>(below(rng, 20)));
    buffers.push_back({64 * (1 + below(rng, below(rng, 8) ? 64 : 1000)), first, last});
  }
  return buffers;
}

// Activations that wait for their backward kernel, first in last out but for a few, and short-lived values between.
std::vector<Buffer> training_buffers(uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::vector<Buffer> buffers;
  for (int64_t i = 0, n = 30 + below(rng, 150); i < n; ++i) {
    const int64_t bytes = 64 * (1 + below(rng, 200));
    if (below(rng, 2)) {
      const int first = static_cast<int>(below(rng, 30));
      buffers.push_back({bytes, first, 59 - first - static_cast<int>(below(rng, 3) && first < 28)});
    } else {
      const int first = static_cast<int>(below(rng, 57));
      buffers.push_back({bytes, first, first + 1 + static_cast<int>(below(rng, 2))});
    }
  }
  return buffers;
}

// A rectangle of times and bytes cut at random into n pieces: every byte is in use at every time.
void cut(std::mt19937_64 &rng, int first, int last, int64_t bytes, int64_t n, std::vector<Buffer> &pieces) {
  if (n == 1 || (first == last && bytes == 64)) {
    pieces.push_back({bytes, first, last});
    return;
  }
  const int64_t left = 1 + below(rng, n - 1);
  if (bytes == 64 || (first < last && below(rng, 2))) {
    const int middle = first + static_cast<int>(below(rng, last - first));
    cut(rng, first, middle, bytes, left, pieces);
    cut(rng, middle + 1, last, bytes, n - left, pieces);
  } else {
    const int64_t lower = 64 * (1 + below(rng, bytes / 64 - 1));
    cut(rng, first, last, lower, left, pieces);
    cut(rng, first, last, bytes - lower, n - left, pieces);
  }
}

double arena_over_bound(const Plan &plan) {
  return plan.lower_bound ? static_cast<double>(plan.arena_bytes) / static_cast<double>(plan.lower_bound) : 1;
}

std::vector<std::string> model_files() {
  std::vector<std::string> files;
  const fs::path root(GRADC_SOURCE_DIR);
  for (const auto &folder : fs::directory_iterator(root / "examples"))
    if (fs::exists(folder.path() / "model.json"))
      files.push_back((folder.path() / "model.json").string());
  for (const auto &file : fs::directory_iterator(root / "tests" / "bench" / "models"))
    files.push_back(file.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

} // namespace

TEST_CASE("buffers of random size and life are placed within 2% of the bound") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    INFO("seed " << seed);
    CHECK(arena_over_bound(scattered_buffers(seed)) <= 1.02);
    CHECK(arena_over_bound(training_buffers(seed)) <= 1.02);
  }
}

TEST_CASE("a rectangle cut into pieces is put together again") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::mt19937_64 rng(seed);
    std::vector<Buffer> pieces;
    cut(rng, 0, 39, 64 * 1000, 40, pieces);
    INFO("seed " << seed);
    CHECK(largest_live_bytes(pieces) == 64 * 1000);
    CHECK(arena_over_bound(pieces) == 1);
  }
}

TEST_CASE("equal buffers get equal offsets") {
  std::vector<Buffer> one = scattered_buffers(7), other = one;
  CHECK(assign_offsets(one) == assign_offsets(other));
  for (size_t i = 0; i < one.size(); ++i)
    CHECK(one[i].offset == other[i].offset);
}

TEST_CASE("no buffers need no bytes") {
  std::vector<Buffer> none;
  CHECK(assign_offsets(none) == 0);
}

TEST_CASE("the arena of random training graphs is within 2% of the bound") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    RandomGraphOptions options;
    options.steps = 20 + static_cast<int>(seed % 12);
    options.max_elements = 5000;
    Graph graph = random_graph(1000 + seed, options);
    run_passes(graph, {});
    INFO("seed " << seed << "\n" << print(graph));
    CHECK(problems_of(graph).empty());
    CHECK(arena_over_bound(*graph.plan) <= 1.02);
  }
}

TEST_CASE("the arena of example and benchmark models is at the bound") {
  for (const std::string &path : model_files()) {
    Diagnostics diagnostics;
    const std::optional<Model> model = load_model(path, {}, diagnostics);
    INFO(path << "\n" << diagnostics.render());
    REQUIRE(model);
    for (int64_t batch : {1, 32, 128}) {
      const ModelSpec spec = build_model(*model, {{Entry::train_step, batch}}, DType::f32, {});
      INFO("batch " << batch << "\n" << print(spec.entries[0].graph));
      const Plan &plan = *spec.entries[0].graph.plan;
      CHECK(plan.arena_bytes == plan.lower_bound);
    }
  }
}
