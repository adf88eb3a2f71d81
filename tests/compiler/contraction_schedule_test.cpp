// However a contraction is scheduled, it computes the same: every way of packing, both orders, tiles with remainders.
#include "compiler/codegen/schedules/contraction_schedule.h"
#include "ir/error.h"
#include "ir/lowering/lower.h"
#include "ir/text/text.h"
#include "passes/equivalence.h"
#include "passes/pipeline.h"
#include "tests/support/compiled_engine.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace gradc;
using namespace gradc::tests;

namespace {

struct Product {
  const char *indices, *a, *b, *result;
};

// Extents with remainders for every tile; rows 13, columns 75, terms 19 or 6 x 5, batch 2.
constexpr Product kProducts[] = {
    {"ik,kj->ij", "13,19", "19,75", "13,75"},       {"ki,kj->ij", "19,13", "19,75", "13,75"},
    {"ik,jk->ij", "13,19", "75,19", "13,75"},       {"ki,jk->ij", "19,13", "75,19", "13,75"},
    {"bik,bkj->bij", "2,13,19", "2,19,75", "2,13,75"}, {"bki,bjk->bij", "2,19,13", "2,75,19", "2,13,75"},
    {"ipq,pqj->ij", "13,6,5", "6,5,75", "13,75"},   {"piq,jqp->ij", "6,13,5", "75,5,6", "13,75"},
    {"ik,jk->ji", "13,19", "75,19", "75,13"},       {"k,kj->j", "19", "19,75", "75"},
};

// The product with a bias for each column, a residual and a rectifier behind it.
Graph product(const Product &p, DType dtype) {
  const std::string type(to_string(dtype)), result = p.result, columns = result.substr(result.rfind(',') + 1);
  return parse_graph("graph {\n  input %a : " + type + "[" + p.a + "]\n  input %b : " + type + "[" + p.b + "]\n  input %bias : " +
                     type + "[" + columns + "]\n  input %residual : " + type + "[" + result + "]\n  %0 = constant {value=0} : " +
                     type + "[]\n  %1 = contract %a, %b {indices=\"" + p.indices + "\"} : " + type + "[" + result +
                     "]\n  %2 = add %1, %bias : " + type + "[" + result + "]\n  %3 = add %2, %residual : " + type + "[" +
                     result + "]\n  %4 = maximum %3, %0 : " + type + "[" + result + "]\n  return %4 as y\n}\n");
}

Graph planned(Graph graph) {
  for (const Pass &pass : pipeline())
    pass.run(graph, {});
  return graph;
}

void check(DType dtype, const char *target, const char *wish) {
  INFO(to_string(dtype) << ", " << target << ", '" << wish << "'");
  std::vector<Graph> graphs;
  for (const Product &p : kProducts)
    graphs.push_back(planned(product(p, dtype)));
  const CompiledGraphs compiled = CompiledGraphs::jit(graphs, target, wish);
  const double tolerance = dtype == DType::f32 ? 1e-5 : 1e-13;
  for (size_t i = 0; i < graphs.size(); ++i) {
    INFO(kProducts[i].indices);
    const Graph graph = product(kProducts[i], dtype);
    const Bindings bindings = random_bindings(graph, 7 + i);
    Bindings mine = bindings, theirs = bindings;
    const Tensor expected = interpret(graph, mine)[0], one = compiled.run(i, theirs)[0], two = compiled.run(i, theirs, 2)[0];
    double worst = 0;
    for (int64_t e = 0; e < expected.type.elements(); ++e)
      worst = std::max(worst, std::abs(expected.number(e) - one.number(e)) / (1 + std::abs(expected.number(e))));
    CHECK(worst < tolerance);
    CHECK(one.to_bytes() == two.to_bytes());
  }
}

} // namespace

TEST_CASE("contractions compute the same with every packing, order and tile", "[schedule]") {
  for (const char *wish : {"pack=cols,rows=3,cols=2,block=2", "pack=both,rows=5,cols=1,block=3", "pack=rows,rows=4,cols=2", "pack=none,order=rows,rows=2,cols=3",
                           "pack=none,order=cols,rows=6,cols=1", "pack=rows,group=2,rows=3", "pack=both,group=3,rows=2,cols=1,block=2"})
    check(DType::f32, "native", wish);
  check(DType::f64, "native", "pack=both,rows=4,cols=2");
  check(DType::f32, "x86-64-v2", "pack=both,group=2,rows=4,cols=2");
}

// Large enough to be shared out: by rows, by columns, by packed blocks, and with a tile that is no whole share.
TEST_CASE("any number of threads computes the bits of one", "[schedule]") {
  constexpr Product kLarge[] = {{"ik,kj->ij", "97,130", "130,260", "97,260"}, {"ki,kj->ij", "130,97", "130,260", "97,260"}};
  for (const char *wish : {"", "pack=cols,cols=2,block=4", "pack=both,cols=2,block=32", "pack=rows,group=4", "pack=none,order=cols", "pack=none,order=rows"}) {
    INFO("'" << wish << "'");
    std::vector<Graph> graphs;
    for (const Product &p : kLarge)
      graphs.push_back(planned(product(p, DType::f32)));
    Target target = parse_target("native");
    target.schedule = parse_schedule_override(wish);
    const CompiledGraphs compiled = CompiledGraphs::jit(graphs, "native", wish);
    for (size_t i = 0; i < graphs.size(); ++i) {
      INFO(kLarge[i].indices);
      CHECK(schedule_loops(lower_kernels(graphs[i])[0].kernel, target).cycles > 80000); // twice what is shared out
      Bindings bindings = random_bindings(product(kLarge[i], DType::f32), 3 + i);
      const std::vector<std::byte> one = compiled.run(i, bindings)[0].to_bytes();
      for (int threads : {2, 3, 7})
        CHECK(compiled.run(i, bindings, threads)[0].to_bytes() == one);
    }
  }
}

TEST_CASE("a wish for a schedule is granted where it can be, and a strange one refused", "[schedule]") {
  Target target = parse_target("x86-64-v3");
  auto schedule = [&](const char *wish, size_t number = 0) {
    target.schedule = parse_schedule_override(wish);
    return schedule_loops(lower_kernels(planned(product(kProducts[number], DType::f32)))[0].kernel, target).nests[0];
  };
  CHECK(schedule("rows=4,cols=2,pack=both").rows == 4);
  CHECK(schedule("rows=4,cols=2,pack=cols").packed_cols >= 0);
  CHECK(schedule("pack=cols,cols=2,block=2").block == 2);
  CHECK(schedule("pack=none").packed_cols < 0);
  CHECK(schedule("rows=2,group=2", 1).group == 2);
  CHECK(schedule("order=rows,pack=none").rows_outermost);
  CHECK(schedule("rows=32,cols=32").rows < 32); // not enough registers: as without the wish
  for (const char *wish : {"rows=0", "rows=", "rows=4x", "order=both", "pack", "tile=4", "rows=4,,cols=2"})
    CHECK_THROWS_AS(parse_schedule_override(wish), Error);
}

TEST_CASE("two threads share out an even number of tiles where that costs one thread nothing", "[schedule]") {
  const Target target = parse_target("x86-64-v4");
  const Product p{"ik,kj->ij", "32,784", "784,128", "32,128"}; // 4 tiles of 8 rows; 3 of 11 take one thread as long
  const LoopSchedule schedule = schedule_loops(lower_kernels(planned(product(p, DType::f32)))[0].kernel, target);
  CHECK(schedule.iterations() % 2 == 0);
}
