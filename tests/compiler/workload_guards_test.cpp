// What makes the benchmark models fast and can be held without a clock: the code of their hot loops, the number of their
// kernels, how often each tensor passes through memory.
#include "compiler/engines/build_model.h"
#include "compiler/engines/object.h"
#include "ir/lowering/lower.h"
#include "ir/op.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

using namespace gradc;

namespace {

ModelSpec train_step(const std::string &name, int64_t batch) {
  Diagnostics diagnostics;
  const std::string path = std::string(GRADC_SOURCE_DIR) + "/tests/bench/models/" + name + ".json";
  std::optional<Model> model = load_model(path, {}, diagnostics);
  REQUIRE(model);
  return build_model(*model, {{Entry::train_step, batch}}, DType::f32, {});
}

std::string assembly(const ModelSpec &spec, const Target &target) {
  CodegenOptions options;
  options.target = target;
  std::string text;
  options.on_asm = [&](const std::string &part) { text += part; };
  compile_objects(spec, options);
  return text;
}

bool contains(const std::string &line, std::string_view part) { return line.find(part) != std::string::npos; }

/// Whether a loop is that of a contraction: multiply-adds, what feeds them, and no other vector arithmetic.
bool is_contraction(const std::vector<std::string> &loop) {
  int products = 0;
  for (const std::string &line : loop) {
    const bool product = contains(line, "vfmadd");
    products += product;
    if (line.starts_with("\tv") && !product && !contains(line, "vmov") && !contains(line, "vbroadcast") &&
        !contains(line, "vgather") && !contains(line, "vinsert"))
      return false;
  }
  return products >= 4;
}

/// The instructions of the innermost loops that are contractions: from a label to the jump back to it.
std::vector<std::vector<std::string>> contraction_loops(const std::string &text) {
  std::vector<std::vector<std::string>> loops;
  std::vector<std::string> lines; // since the last label
  std::string label;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with(".LBB")) {
      label = line.substr(0, line.find(':'));
      lines.clear();
      continue;
    }
    if (!line.starts_with("\t") || line.starts_with("\t.") || line.starts_with("\t#"))
      continue;
    lines.push_back(line);
    const bool back = line.starts_with("\tj") && !label.empty() && line.substr(line.find_last_of("\t ") + 1) == label;
    if (back && is_contraction(lines))
      loops.push_back(lines);
  }
  return loops;
}

// The kernels that compute a contraction of the graph.
std::set<int> contracting_kernels(const Graph &graph) {
  std::set<int> kernels;
  for (const Node &node : graph.nodes)
    if (node.op && node.op->name == "contract")
      kernels.insert(node.kernel);
  return kernels;
}

struct Workload {
  std::string name;
  int64_t batch;
  size_t kernels;
};

std::vector<Workload> workloads() {
  std::vector<Workload> all;
  for (const auto &[batch, kernels] : {std::pair<int64_t, size_t>(1, 1), {32, 1}, {128, 3}})
    all.push_back({"mlp_4_16_3", batch, kernels});
  for (const auto &[batch, kernels] : {std::pair<int64_t, size_t>(1, 2), {32, 3}, {128, 5}})
    all.push_back({"mlp_784_128_10", batch, kernels});
  for (const auto &[batch, kernels] : {std::pair<int64_t, size_t>(1, 6), {32, 6}, {128, 9}})
    all.push_back({"mlp_784_512_512_10", batch, kernels});
  return all;
}

} // namespace

TEST_CASE("the loops of contractions hold whole vectors in registers", "[guards]") {
  for (const auto &[target, vector] : {std::pair("x86-64-v3", "%ymm"), std::pair("x86-64-v4", "%zmm")})
    for (const std::string name : {"mlp_784_128_10", "mlp_784_512_512_10"})
      for (int64_t batch : {32, 128}) {
        INFO(name << ", batch " << batch << ", " << target);
        const ModelSpec spec = train_step(name, batch);
        const std::vector<std::vector<std::string>> loops = contraction_loops(assembly(spec, parse_target(target)));
        CHECK(loops.size() >= contracting_kernels(spec.entries[0].graph).size());
        for (const std::vector<std::string> &loop : loops)
          for (const std::string &line : loop) {
            INFO(line);
            CHECK(!contains(line, "(%rsp)"));
            CHECK(!contains(line, "gather"));
            CHECK(!contains(line, "vinsert"));
            if (contains(line, "fmadd"))
              CHECK(contains(line, vector));
          }
      }
}

// A line of the next block that they pack; of the state that their epilogue updates: Adam's weight and its two moments,
// sgd's weight alone.
TEST_CASE("products ask for what they will read and no near cache holds", "[guards]") {
  auto asking = [](const std::string &name, int64_t l2_bytes) {
    Target target = parse_target("x86-64-v4");
    target.l2_bytes = l2_bytes;
    std::vector<int> found; // how many lines a round of each loop asks for
    for (const std::vector<std::string> &loop : contraction_loops(assembly(train_step(name, 128), target)))
      if (auto n = std::count_if(loop.begin(), loop.end(), [](auto &line) { return contains(line, "prefetch"); }))
        found.push_back(static_cast<int>(n));
    return found;
  };
  const std::vector<int> adam = asking("mlp_784_512_512_10", 1 << 20), sgd = asking("mlp_784_128_10", 512 << 10);
  const auto blocks = std::count(adam.begin(), adam.end(), 1), updates = std::count(adam.begin(), adam.end(), 3);
  CHECK(blocks >= 2);
  CHECK(updates >= 2);
  CHECK(blocks + updates == static_cast<int64_t>(adam.size()));
  CHECK(sgd.size() >= 1);
  CHECK(std::count(sgd.begin(), sgd.end(), 1) == static_cast<int64_t>(sgd.size()));
  CHECK(asking("mlp_784_128_10", 1 << 20).empty());
}

// The next load from a byte of its vector would wait for it.
TEST_CASE("no store is masked", "[guards]") {
  auto is_masked = [](const std::string &line) {
    const bool avx = contains(line, "maskmov") && line.ends_with(")"), avx512 = contains(line, ") {%k");
    return avx || (avx512 && !contains(line, "{z}"));
  };
  for (const char *target : {"x86-64-v3", "x86-64-v4"})
    for (int64_t batch : {1, 32}) {
      INFO(target << ", batch " << batch);
      std::istringstream text(assembly(train_step("mlp_784_128_10", batch), parse_target(target)));
      for (std::string line; std::getline(text, line);)
        if (is_masked(line))
          FAIL_CHECK(line);
    }
}

TEST_CASE("a training step of the benchmark models has few kernels", "[guards]") {
  for (const Workload &w : workloads()) {
    INFO(w.name << ", batch " << w.batch);
    CHECK(lower_kernels(train_step(w.name, w.batch).entries[0].graph).size() == w.kernels);
  }
}

// A weight is touched by the forward product, the product that gives the input's gradient, and its own update; an
// activation by its producer, its consumer, that consumer's weight gradient and its own derivative.
TEST_CASE("every tensor passes through memory as seldom as it can", "[guards]") {
  for (const Workload &w : workloads()) {
    INFO(w.name << ", batch " << w.batch);
    const ModelSpec spec = train_step(w.name, w.batch);
    const Graph &graph = spec.entries[0].graph;
    std::map<Value, int> reads, writes;
    for (const LoweredKernel &lowered : lower_kernels(graph))
      for (size_t i = 0; i < lowered.values.size(); ++i)
        ++(lowered.kernel.params[i].written ? writes : reads)[lowered.values[i]];
    for (Value v = 0; v < graph.size(); ++v) {
      const Node &node = graph[v];
      INFO((node.name.empty() ? std::to_string(v) : node.name));
      CHECK(writes[v] <= 1);
      switch (node.role) {
      case Role::param: CHECK(reads[v] <= 3); break;
      case Role::slot: CHECK(reads[v] == 1); break;
      case Role::input: CHECK(reads[v] <= 2); break;
      default: CHECK((node.type.elements() == 1 || reads[v] <= 3)); break;
      }
    }
  }
}
