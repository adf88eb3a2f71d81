// What `gradc train --profile` and `--trace` say: costs by hand, names of kernels, counted calls, a timeline that nests.
#include "compiler/reports/profile.h"

#include "compiler/engines/build_model.h"
#include "compiler/engines/jit.h"
#include "runtime/train/instance.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <tuple>

namespace gradc {
namespace {

KernelCost cost(const std::string &text) { return cost_of(parse_kernel(text)); }

TEST_CASE("a dense layer costs two operations a multiply-add, and its tensors once", "[profile]") {
  const KernelCost dense = cost("kernel dense {\n"
                                "  axes i:4 j:3 k:8\n"
                                "  params x:f32[4,8] w:f32[8,3] b:f32[3] y:f32[4,3] out\n"
                                "  s(i,j) = sum k: x[i,k] * w[k,j]\n"
                                "  y[i,j] = r(i,j) = maximum(s(i,j) + b[j], 0:f32)\n"
                                "}\n");
  CHECK(dense.flop == 2 * 4 * 3 * 8 + 2 * 4 * 3);
  CHECK(dense.bytes == 4 * (4 * 8 + 8 * 3 + 3 + 4 * 3));
}

TEST_CASE("a softmax costs an exp, a difference, a quotient and two terms of reductions an element", "[profile]") {
  const KernelCost softmax = cost("kernel softmax {\n"
                                  "  axes i:32 j:10\n"
                                  "  params x:f64[32,10] y:f64[32,10] out\n"
                                  "  m(i) = max j: x[i,j]\n"
                                  "  e(i,j) = exp(x[i,j] - m(i))\n"
                                  "  s(i) = sum j: e(i,j)\n"
                                  "  y[i,j] = r(i,j) = e(i,j) / s(i)\n"
                                  "}\n");
  CHECK(softmax.flop == 32 * 10 * (20 + 1 + 1 + 2));
  CHECK(softmax.bytes == 2 * 8 * 32 * 10);
}

TEST_CASE("what depends on no axis is counted once, integers and selections never", "[profile]") {
  const KernelCost drop = cost("kernel drop {\n"
                               "  axes i:100\n"
                               "  params x:f32[100] rate:f64[] y:f32[100] out\n"
                               "  y[i] = r(i) = select(floormod(index(i) * 5:i64, 7:i64) < 3:i64, 0:f32, "
                               "x[i] * (1:f32 / (1:f32 - f32(rate[]))))\n"
                               "}\n");
  CHECK(drop.flop == 100 + 2);
  CHECK(drop.bytes == 4 * 100 + 8 + 4 * 100);
}

TEST_CASE("elements that are reached more than once are counted once", "[profile]") {
  const KernelCost window = cost("kernel window {\n"
                                 "  axes i:8\n"
                                 "  params x:f32[9] y:f32[8] out\n"
                                 "  y[i] = r(i) = x[i] + x[i+1]\n"
                                 "}\n");
  CHECK(window.bytes == 4 * (9 + 8));
  const KernelCost gather = cost("kernel gather {\n"
                                 "  axes i:3 j:4\n"
                                 "  params x:f32[100,4] t:i32[3] y:f32[3,4] out\n"
                                 "  y[i,j] = r(i,j) = x[(t[i]),j]\n"
                                 "}\n");
  CHECK(gather.flop == 0);
  CHECK(gather.bytes == 4 * (3 * 4 + 3 + 3 * 4));
  const KernelCost scatter = cost("kernel scatter {\n"
                                  "  axes i:300 j:4\n"
                                  "  params x:f32[300,4] t:i32[300] y:f32[100,4] out\n"
                                  "  y[(t[i]),j] += r(i,j) = x[i,j]\n"
                                  "}\n");
  CHECK(scatter.flop == 300 * 4);
  CHECK(scatter.bytes == 4 * (300 * 4 + 300 + 2 * 100 * 4));
}

constexpr int64_t kBatch = 4, kInputs = 8, kUnits = 3;

// Everything that a run needs, of a model with a dense layer, dropout and a metric.
struct Measured {
  Diagnostics diagnostics;
  Model model;
  ModelSpec spec;
  Trace trace;
  std::unique_ptr<JitModel> jit;

  Measured() {
    std::optional<Model> loaded = load_model_text(R"({
      "inputs": {"x": {"shape": [8]}, "y": {"shape": [3]}},
      "layers": [{"name": "first", "type": "dense", "units": 6, "activation": "tanh", "input": "x"},
                 {"name": "drop", "type": "dropout", "rate": 0.5},
                 {"name": "last", "type": "dense", "units": 3}],
      "loss": {"type": "mse", "target": "y"},
      "metrics": ["mae"],
      "optimizer": {"type": "adam", "learning_rate": 0.01}
    })", "model.json", {}, diagnostics);
    REQUIRE(loaded);
    model = std::move(*loaded);
    RunOptions passes;
    CodegenOptions codegen;
    passes.on_time = codegen.on_time = [this](std::string_view stage, double seconds) { trace.ended(stage, seconds); };
    spec = trace.span("build", [&] {
      return build_model(model, {{Entry::init}, {Entry::train_step, kBatch}, {Entry::evaluate, kBatch}}, DType::f32, passes);
    });
    codegen.target = host_target();
    codegen.profile = true;
    jit = trace.span("compile", [&] { return std::make_unique<JitModel>(spec, codegen); });
  }

  const EntrySpec &entry(std::string_view name) const {
    return *std::find_if(spec.entries.begin(), spec.entries.end(), [&](const EntrySpec &e) { return e.name == name; });
  }
};

/// The losses of some steps on examples that are all ones.
std::vector<double> train(const gradc_model &table, int64_t steps) {
  runtime::Instance instance(table, 1);
  instance.init(7);
  const std::vector<float> x(kBatch * kInputs, 1), y(kBatch * kUnits, 1);
  const void *inputs[] = {x.data(), y.data()};
  const gradc_entry &step = instance.require(GRADC_TRAIN_STEP, kBatch);
  runtime::Outputs outputs(table, step);
  std::vector<double> losses;
  for (int64_t s = 0; s < steps; ++s) {
    instance.run(step, inputs, outputs, {7, s, steps});
    losses.push_back(outputs.scalar(0));
  }
  return losses;
}

TEST_CASE("kernels are named after the layers, the loss and the metrics they come from", "[profile]") {
  const Measured m;
  std::map<std::string, int> layers, phases;
  for (const CallSite &site : call_sites(m.entry("train_step"), m.model)) {
    for (const std::string &layer : site.layers)
      ++layers[layer];
    std::istringstream parts(site.phase);
    for (std::string phase; std::getline(parts, phase, '+');)
      ++phases[phase];
  }
  for (const char *layer : {"first", "drop", "last", "loss"})
    CHECK(layers[layer] > 0);
  CHECK(layers.size() <= 5); // and "optimizer"
  for (const char *phase : {"forward", "backward", "update"})
    CHECK(phases[phase] > 0);
  CHECK(phases.size() == 3);
  const std::vector<CallSite> evaluate = call_sites(m.entry("evaluate"), m.model);
  CHECK(std::count(evaluate.back().layers.begin(), evaluate.back().layers.end(), "mae") == 1);
  CHECK(evaluate.back().phase == "");
}

TEST_CASE("a list of layers that is long says how many more there are", "[profile]") {
  CHECK(layers_text({.kernel = "k0", .phase = "", .layers = {"a", "b", "c"}, .cost = {}}) == "a, b, c");
  CHECK(layers_text({.kernel = "k0", .phase = "", .layers = {"a", "b", "c", "d", "e"}, .cost = {}}) == "a, b, c and 2 more");
}

TEST_CASE("measured code computes the same bits, and says so when it is run unmeasured", "[profile]") {
  const Measured m;
  CodegenOptions plain;
  plain.target = host_target();
  const JitModel unmeasured(m.spec, plain);
  Profile profile(m.spec, m.model, *m.jit->table());
  CHECK(train(profile.measured(), 5) == train(*unmeasured.table(), 5));
  CHECK_THROWS_WITH(train(*m.jit->table(), 1), Catch::Contains("init"));
}

TEST_CASE("the table has every kernel that ran, by time, and their sum", "[profile]") {
  const Measured m;
  Profile profile(m.spec, m.model, *m.jit->table());
  train(profile.measured(), 9);
  std::istringstream table(profile.table({.threads = 1, .gflops = 100, .gbytes = 10}));
  std::string line;
  std::getline(table, line);
  CHECK(line == "peak of 1 thread: 100.0 GFLOP/s, 10.0 GB/s");
  std::getline(table, line);
  CHECK(line.starts_with("kernel  entry "));
  std::vector<double> times;
  size_t steps = 0;
  while (std::getline(table, line) && line.starts_with("k") && !line.starts_with("kernels")) {
    INFO(line);
    const bool is_step = line.find("train_step 4") != line.npos;
    steps += is_step;
    std::smatch numbers;
    REQUIRE(std::regex_search(line, numbers, std::regex(R"( (\d+) +(\d+\.\d+) )")));
    CHECK(numbers[1] == (is_step ? "9" : "1"));
    times.push_back(std::stod(numbers[2]));
  }
  CHECK(steps == call_sites(m.entry("train_step"), m.model).size());
  CHECK(times.size() == steps + call_sites(m.entry("init"), m.model).size());
  CHECK(std::is_sorted(times.rbegin(), times.rend()));
  CHECK(line.starts_with("kernels "));
  CHECK(line.find(" + outside kernels ") != line.npos);
}

TEST_CASE("a trace parses, its events nest, and it ends after so many steps", "[profile]") {
  Measured m;
  Profile profile(m.spec, m.model, *m.jit->table());
  m.trace.span("run", [&] { return train(profile.measured(), Profile::kTracedSteps + 50); });
  profile.add_to(m.trace);
  struct Event {
    int64_t begin, end;
    std::string category;
  };
  std::map<int, std::vector<Event>> threads;
  std::map<std::string, int64_t> counts;
  const auto json = nlohmann::json::parse(m.trace.json());
  for (const auto &event : json.at("traceEvents")) {
    if (event.at("ph") != "X")
      continue;
    const auto begin = static_cast<int64_t>(std::llround(1000 * event.at("ts").get<double>()));
    const auto length = static_cast<int64_t>(std::llround(1000 * event.at("dur").get<double>()));
    threads[event.at("tid")].push_back({begin, begin + length, event.at("cat")});
    ++counts[event.at("cat")];
  }
  for (auto &[thread, events] : threads) {
    // What contains comes first. Kernels contain nothing; one may begin and end as the next begins, or as its entry ends.
    auto key = [](const Event &e) {
      const bool kernel = e.category == "kernel";
      return std::tuple(e.begin, kernel, kernel ? e.end : -e.end);
    };
    std::stable_sort(events.begin(), events.end(), [&](const Event &a, const Event &b) { return key(a) < key(b); });
    std::vector<Event> open;
    for (const Event &event : events) {
      const bool empty = event.begin == event.end;
      while (!open.empty() && (open.back().end < event.begin || (open.back().end == event.begin &&
                                                                 (!empty || open.back().category == event.category))))
        open.pop_back();
      INFO(event.category << " from " << event.begin << " to " << event.end << " ns, in "
                          << (open.empty() ? "nothing" : open.back().category));
      CHECK((open.empty() || event.end <= open.back().end));
      if (event.category == "kernel")
        CHECK((!open.empty() && open.back().category == "entry"));
      open.push_back(event);
    }
  }
  const auto step_kernels = static_cast<int64_t>(call_sites(m.entry("train_step"), m.model).size());
  const auto init_kernels = static_cast<int64_t>(call_sites(m.entry("init"), m.model).size());
  CHECK(counts["entry"] == 1 + Profile::kTracedSteps);
  CHECK(counts["kernel"] == init_kernels + Profile::kTracedSteps * step_kernels);
  CHECK(counts["compiler"] > 0);
  CHECK(counts["command"] == 3);
}

} // namespace
} // namespace gradc
