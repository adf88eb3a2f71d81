// Sums of a fixed order: what a graph makes of a row is the same to the bit, whatever batch the row is in, and on any number of
// threads.
#include "compiler/codegen/schedules/loop_schedule.h"
#include "ir/lowering/lower.h"
#include "ir/text/text.h"
#include "passes/equivalence.h"
#include "passes/pipeline.h"
#include "tests/support/compiled_engine.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>

using namespace gradc;
using namespace gradc::tests;

namespace {

constexpr int64_t kBatches[] = {1, 2, 7, 32, 150};

// Two layers and a softmax; sums over one, few and many features and classes.
std::string classifier(int64_t features, int64_t hidden, int64_t classes) {
  return fmt::format(R"(graph {{
  input %x : FLOAT[BATCH,{0}]
  param %w : FLOAT[{0},{1}]
  param %v : FLOAT[{1},{2}]
  %0 = contract %x, %w {{indices="ai,io->ao"}} : FLOAT[BATCH,{1}]
  %1 = tanh %0 : FLOAT[BATCH,{1}]
  %2 = contract %1, %v {{indices="ai,io->ao"}} : FLOAT[BATCH,{2}]
  %3 = max %2 {{axes=[1], keep=true}} : FLOAT[BATCH,1]
  %4 = broadcast %3 : FLOAT[BATCH,{2}]
  %5 = sub %2, %4 : FLOAT[BATCH,{2}]
  %6 = exp %5 : FLOAT[BATCH,{2}]
  %7 = sum %6 {{axes=[1], keep=true}} : FLOAT[BATCH,1]
  %8 = broadcast %7 : FLOAT[BATCH,{2}]
  %9 = div %6, %8 : FLOAT[BATCH,{2}]
  return %9 as y
}}
)", features, hidden, classes);
}

const std::string kTransposedWeights = R"(graph {
  input %x : FLOAT[BATCH,83]
  param %w : FLOAT[21,83]
  %0 = contract %x, %w {indices="ai,oi->ao"} : FLOAT[BATCH,21]
  return %0 as y
}
)";

const std::string kOneOutput = R"(graph {
  input %x : FLOAT[BATCH,131]
  param %w : FLOAT[131]
  %0 = contract %x, %w {indices="ai,i->a"} : FLOAT[BATCH]
  return %0 as y
}
)";

// The sums of a layer norm, of planes, and of products of three tensors.
const std::string kRowStatistics = R"(graph {
  input %x : FLOAT[BATCH,19,7]
  param %w : FLOAT[7]
  %0 = sum %x {axes=[2], keep=true} : FLOAT[BATCH,19,1]
  %1 = broadcast %0 : FLOAT[BATCH,19,7]
  %2 = sub %x, %1 : FLOAT[BATCH,19,7]
  %3 = mul %2, %2 : FLOAT[BATCH,19,7]
  %4 = sum %3 {axes=[1,2], keep=false} : FLOAT[BATCH]
  %5 = contract %2, %w {indices="abc,c->ab"} : FLOAT[BATCH,19]
  %6 = sum %5 {axes=[1], keep=false} : FLOAT[BATCH]
  return %4 as squares, %6 as y
}
)";

Graph graph_of(std::string text, const std::string &dtype, int64_t batch) {
  auto replace_all = [&](const std::string &from, const std::string &to) {
    for (size_t at; (at = text.find(from)) != std::string::npos;)
      text.replace(at, from.size(), to);
  };
  replace_all("FLOAT", dtype);
  replace_all("BATCH", std::to_string(batch));
  Graph graph = parse_graph(text);
  for (const Pass &pass : pipeline())
    pass.run(graph, {});
  return graph;
}

// The first `rows` rows of a tensor.
Tensor first_rows(const Tensor &all, int64_t rows) {
  Tensor part = all;
  part.type.shape[0] = rows;
  part.floats.resize(static_cast<size_t>(part.type.elements()));
  return part;
}

void check_rows(const std::string &text, const std::string &dtype, const char *target) {
  const int64_t most = *std::max_element(std::begin(kBatches), std::end(kBatches));
  std::vector<Graph> graphs;
  for (int64_t batch : kBatches)
    graphs.push_back(graph_of(text, dtype, batch));
  const Graph largest = graph_of(text, dtype, most);
  const Bindings all = random_bindings(largest, 7);
  const CompiledGraphs compiled = CompiledGraphs::jit(std::move(graphs), target, "fork=1", SumOrder::fixed);
  auto run = [&](size_t i, int threads) {
    Bindings bindings = all;
    bindings.at("x") = first_rows(all.at("x"), kBatches[i]);
    return compiled.run(i, bindings, threads);
  };
  const std::vector<Tensor> reference = run(std::size(kBatches) - 1, 1);
  for (size_t i = 0; i < std::size(kBatches); ++i)
    for (int threads : {1, 3}) {
      INFO("batch " << kBatches[i] << ", " << threads << " threads, " << target << ", " << dtype << "\n" << text);
      const std::vector<Tensor> results = run(i, threads);
      for (size_t r = 0; r < results.size(); ++r)
        CHECK(results[r].to_bytes() == first_rows(reference[r], kBatches[i]).to_bytes());
    }
}

} // namespace

TEST_CASE("a row has the same sums in a batch of any size", "[schedule]") {
  std::vector<std::string> texts = {kTransposedWeights, kOneOutput, kRowStatistics};
  for (auto [features, hidden, classes] : {std::tuple(4, 16, 3), {1, 40, 1}, {200, 33, 10}, {64, 5, 300}, {5, 700, 2}})
    texts.push_back(classifier(features, hidden, classes));
  for (const std::string &text : texts) {
    check_rows(text, "f32", "x86-64");
    check_rows(text, "f32", "native");
    check_rows(text, "f64", "native");
  }
}

TEST_CASE("partial sums are lanes of a vector where its elements belong to one sum", "[schedule]") {
  const Graph products = graph_of(kTransposedWeights, "f32", 32);
  const Graph weights = graph_of(classifier(64, 32, 16), "f32", 32);
  const Target target = parse_target("x86-64-v3");
  CHECK(schedule_loops(lower_kernels(products)[0].kernel, target, SumOrder::fixed).nests[0].is_dot());
  CHECK(!schedule_loops(lower_kernels(weights)[0].kernel, target, SumOrder::fixed).nests[0].is_dot());
}
