// Random training graphs as machine code: what the interpreter makes of the graph as it was written is what the planned and
// compiled graph computes, returns and state alike, and any number of threads gives the same bits. GRADC_COMPILED_GRAPHS
// sets how many. `GRADC_GRAPH=<file> gradc_tests "[one graph]"` checks the graph of a file, for cutting a failure down.
#include "compiler/codegen/schedules/loop_schedule.h"
#include "ir/lowering/lower.h"
#include "ir/text/text.h"
#include "passes/equivalence.h"
#include "passes/pipeline.h"
#include "tests/support/compiled_engine.h"
#include "tests/support/random_graph.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

using namespace gradc;
using namespace gradc::tests;

namespace {

constexpr uint64_t kGraphsPerModule = 20;
constexpr int kMaxFaults = 3; // shown; more of them say no more
const char *const kShareAll = "fork=1"; // small kernels too

uint64_t graph_count() {
  const char *count = std::getenv("GRADC_COMPILED_GRAPHS");
  return count ? std::strtoull(count, nullptr, 10) : 60;
}

struct Case {
  uint64_t seed;
  Graph graph; // as it was written
  Bindings bindings;
};

Case random_case(uint64_t seed, DType dtype) {
  Case c{seed, random_graph(seed, {.dtype = dtype}), {}};
  c.bindings = random_bindings(c.graph, seed);
  return c;
}

Graph planned(Graph graph) {
  for (const Pass &pass : pipeline())
    pass.run(graph, {});
  return graph;
}

/// Every tensor that a call leaves behind, by name.
std::map<std::string, Tensor> everything(const Graph &graph, const std::vector<Tensor> &returns, const Bindings &state) {
  std::map<std::string, Tensor> all;
  for (size_t i = 0; i < returns.size(); ++i)
    all.emplace("return " + std::to_string(i) + " '" + graph.returns[i].name + "'", returns[i]);
  for (const Update &update : graph.updates)
    all.emplace("%" + graph[update.target].name, state.at(graph[update.target].name));
  return all;
}

double distance(const Tensor &a, const Tensor &b) {
  double largest = 0;
  for (int64_t i = 0; i < a.type.elements(); ++i)
    if (const double x = a.number(i), y = b.number(i); x != y && !(std::isnan(x) && std::isnan(y)))
      largest = std::isfinite(x) && std::isfinite(y) ? std::max(largest, std::abs(x - y)) : INFINITY;
  return largest;
}

double magnitude(const Tensor &tensor) {
  double largest = 0;
  for (double x : tensor.floats)
    if (std::isfinite(x))
      largest = std::max(largest, std::abs(x));
  return largest;
}

std::map<std::string, Tensor> reference(const Case &c, Precision precision) {
  Bindings state = c.bindings;
  const std::vector<Tensor> returns = interpret(c.graph, state, precision);
  return everything(c.graph, returns, state);
}

/// The first tensor that is off by more than the graph's own sensitivity explains: how far rounding every value to its
/// dtype moves the result, several times, and the rounding of the result itself.
std::string difference(const Case &c, const std::map<std::string, Tensor> &actual) {
  const auto exact = reference(c, Precision::wide), rounded = reference(c, Precision::declared);
  for (const auto &[name, e] : exact) {
    const double relative = e.type.dtype == DType::f32 ? 0x1p-17 : 0x1p-34; // f64: nothing shows the sensitivity
    const double tolerance =
        is_float(e.type.dtype) ? 30 * distance(e, rounded.at(name)) + relative * std::max(0.1, magnitude(e)) : 0;
    std::ostringstream message;
    if (const double off = distance(e, actual.at(name)); !(off <= tolerance)) {
      message << name << " is off by " << off << " where " << tolerance << " is to be expected";
      return message.str();
    }
  }
  return "";
}

/// Compiles the cases together; where that fails, names the ones that are to blame.
std::optional<CompiledGraphs> compile(const std::vector<Case> &cases, const char *wish) {
  std::vector<Graph> graphs;
  for (const Case &c : cases)
    graphs.push_back(planned(c.graph));
  try {
    return CompiledGraphs::jit(graphs, "native", wish);
  } catch (const std::exception &) {
  }
  for (size_t i = 0; i < cases.size(); ++i)
    try {
      CompiledGraphs::jit({graphs[i]}, "native", wish);
    } catch (const std::exception &e) {
      FAIL_CHECK("seed " << cases[i].seed << ": " << e.what() << "\n" << print(cases[i].graph) << "compiled as\n" << print(graphs[i]));
    }
  return std::nullopt;
}

std::string fault_of(const Case &c, const CompiledGraphs &compiled, size_t i) {
  const auto run = [&](int threads) {
    Bindings state = c.bindings;
    const std::vector<Tensor> returns = compiled.run(i, state, threads);
    return everything(c.graph, returns, state);
  };
  try {
    const std::map<std::string, Tensor> one = run(1);
    for (int threads : {2, 3})
      for (const auto &[name, tensor] : run(threads))
        if (tensor.to_bytes() != one.at(name).to_bytes())
          return name + " has other bits with " + std::to_string(threads) + " threads";
    return difference(c, one);
  } catch (const std::exception &e) {
    return e.what();
  }
}

int faults_of_module(uint64_t first, uint64_t count, DType dtype) {
  std::vector<Case> cases;
  for (uint64_t seed = first; seed < first + count; ++seed)
    cases.push_back(random_case(seed, dtype));
  const bool share_all = first / kGraphsPerModule % 2 == 0; // else only what is worth it, as loops one after the other
  const std::optional<CompiledGraphs> compiled = compile(cases, share_all ? kShareAll : "");
  int faults = !compiled;
  for (size_t i = 0; compiled && i < cases.size() && faults < kMaxFaults; ++i)
    if (const std::string fault = fault_of(cases[i], *compiled, i); !fault.empty()) {
      FAIL_CHECK("in " << to_string(dtype) << ", " << fault << "\nin the graph of seed " << cases[i].seed << "\n"
                       << print(cases[i].graph) << "compiled as\n" << print(compiled->graph(i)));
      ++faults;
    }
  return faults;
}

void check_graphs(uint64_t count, DType dtype) {
  int faults = 0;
  for (uint64_t first = 0; first < count && faults < kMaxFaults; first += kGraphsPerModule)
    faults += faults_of_module(first, std::min(kGraphsPerModule, count - first), dtype);
}

} // namespace

TEST_CASE("compiled random graphs compute in f64 what the interpreter does") { check_graphs(graph_count(), DType::f64); }

TEST_CASE("compiled random graphs compute in f32 what the interpreter does") { check_graphs(graph_count(), DType::f32); }

// 10 of 70 columns are a masked vector, and 71 rows tiles of two sizes. What follows the product sees whole rows: reductions
// over the lanes, expensive functions, another parameter of each row.
constexpr const char *kRowTiles = R"(graph {
  input %x : f32[71,64]
  input %s : f32[71]
  param %w : f32[64,70]
  %0 = contract %x, %w {indices="bi,io->bo"} : f32[71,70]
  %1 = max %0 {axes=[1]} : f32[71]
  %2 = reshape %1 : f32[71,1]
  %3 = broadcast %2 : f32[71,70]
  %4 = sub %0, %3 : f32[71,70]
  %5 = exp %4 : f32[71,70]
  %6 = sum %5 {axes=[1]} : f32[71]
  %7 = mul %6, %s : f32[71]
  %8 = reshape %7 : f32[71,1]
  %9 = broadcast %8 : f32[71,70]
  %10 = div %5, %9 : f32[71,70]
  return %10 as y
  return %7 as scale
}
)";

// Its f32 made `dtype`.
Case case_from(std::string text, DType dtype) {
  for (size_t at; dtype == DType::f64 && (at = text.find("f32")) != std::string::npos;)
    text.replace(at, 3, "f64");
  Case c{0, parse_graph(text), {}};
  c.bindings = random_bindings(c.graph, c.seed);
  return c;
}

TEST_CASE("a contraction hands tiles of its rows to the loops behind it") {
  for (DType dtype : {DType::f32, DType::f64}) {
    const Case c = case_from(kRowTiles, dtype);
    for (const char *target : {"native", "x86-64", "x86-64-v2"}) {
      INFO(target);
      const CompiledGraphs compiled = CompiledGraphs::jit({planned(c.graph)}, target, kShareAll);
      const std::vector<LoweredKernel> kernels = lower_kernels(compiled.graph(0));
      REQUIRE(kernels.size() == 1);
      CHECK(schedule_loops(kernels[0].kernel, parse_target(target)).shared_rows > 1);
      CHECK(fault_of(c, compiled, 0) == "");
    }
  }
}

// The sums of the columns of %dy are sought with the first rows of the product, once for each example or once for all.
constexpr const char *kSums[] = {R"(graph {
  input %x : f32[2,7,20]
  input %dy : f32[2,7,70]
  param %w : f32[2,20,70]
  param %b : f32[2,70]
  %0 = contract %x, %dy {indices="npi,npo->nio"} : f32[2,20,70]
  %1 = sub %w, %0 : f32[2,20,70]
  %2 = sum %dy {axes=[1]} : f32[2,70]
  %3 = sub %b, %2 : f32[2,70]
  update %w = %1
  update %b = %3
}
)",
                                 R"(graph {
  input %x : f32[2,7,40]
  input %dy : f32[2,7,70]
  param %b : f32[70]
  %0 = contract %x, %dy {indices="npi,npo->io"} : f32[40,70]
  %1 = sum %dy {axes=[0, 1]} : f32[70]
  %2 = sub %b, %1 : f32[70]
  return %0 as product
  return %1 as sums
  update %b = %2
}
)"};

TEST_CASE("the sums of a factor's columns are computed beside its product") {
  for (const char *text : kSums)
    for (DType dtype : {DType::f32, DType::f64}) {
      const Case c = case_from(text, dtype);
      for (const char *target : {"native", "x86-64-v2"})
        for (const char *wish : {"fork=1", "fork=1,rows=3", "fork=1,cols=1,order=rows", "fork=1,pack=cols", "fork=1,pack=rows"}) {
          INFO(target << ", " << wish);
          const CompiledGraphs compiled = CompiledGraphs::jit({planned(c.graph)}, target, wish);
          const std::vector<LoweredKernel> kernels = lower_kernels(compiled.graph(0));
          REQUIRE(kernels.size() == 1);
          CHECK(one_nest(kernels[0].kernel));
          CHECK(fault_of(c, compiled, 0) == "");
        }
    }
}

TEST_CASE("a graph from a file computes what the interpreter does", "[.][one graph]") {
  const char *path = std::getenv("GRADC_GRAPH");
  if (!path)
    return; // nothing was asked for
  std::ifstream file(path);
  Case c{0, parse_graph(std::string(std::istreambuf_iterator<char>(file), {})), {}};
  c.bindings = random_bindings(c.graph, c.seed);
  const CompiledGraphs compiled = CompiledGraphs::jit({planned(c.graph)}, "native", kShareAll);
  CHECK(fault_of(c, compiled, 0) == "");
}
