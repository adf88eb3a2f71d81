// Which kernels share a fork: each case is a fused graph whose kernels are cut as it says, whatever the scheduler would do.
// And that what they compute does not depend on the number of threads.
#include "compiler/codegen/entries/emit_entry.h"
#include "compiler/codegen/schedules/parallel_runs.h"
#include "ir/text/text.h"
#include "passes/equivalence.h"
#include "passes/plan.h"
#include "tests/support/compiled_engine.h"

#include <catch2/catch.hpp>

using namespace gradc;
using namespace gradc::tests;

namespace {

struct Cut {
  const char *axis; // lowering names those of a result i, j, ... in order, then those that are summed over
  int64_t step = 1;
  bool packs = false; // what the axis indexes, all of it at once
};

LoopSchedule schedule(const Kernel &kernel, Cut cut, int64_t cycles) {
  LoopSchedule s;
  s.cycles = cycles;
  for (size_t a = 0; a < kernel.axes.size(); ++a)
    if (kernel.axes[a].name == cut.axis)
      s.partition = {static_cast<int>(a), whole_tiles(kernel.axes[a].extent, cut.step)};
  for (size_t e = 0; e < kernel.exprs.size() && cut.packs; ++e)
    if (kernel.exprs[e].kind == Expr::Kind::load && kernel.exprs[e].index.back().plain_axis() == s.partition.axis)
      s.nests = {{.loops = {}, .col_axis = s.partition.axis, .lane_axis = s.partition.axis, .lanes = static_cast<int>(cut.step),
                  .packed_cols = static_cast<ExprId>(e), .block = 100, .candidates = {}}};
  for (const Stage &stage : kernel.stages)
    s.serial |= stage.accumulate;
  return s;
}

std::vector<ParallelRun> runs_of(const std::string &declarations_and_kernels, const std::vector<Cut> &cuts, int64_t cycles,
                                 bool apart = false) {
  Graph graph = parse_graph("graph {\n" + declarations_and_kernels + "}\n");
  plan(graph);
  const std::vector<LoweredKernel> kernels = called_kernels(graph);
  REQUIRE(kernels.size() == cuts.size());
  std::vector<LoopSchedule> schedules;
  for (size_t k = 0; k < kernels.size(); ++k)
    schedules.push_back(schedule(kernels[k].kernel, cuts[k], cycles));
  return parallel_runs(graph, kernels, schedules, Target{}, apart);
}

/// "01 2": kernels 0 and 1 share a run, kernel 2 has its own.
std::string runs(const std::string &declarations_and_kernels, const std::vector<Cut> &cuts) {
  std::string text;
  for (const ParallelRun &run : runs_of(declarations_and_kernels, cuts, 1)) {
    text += text.empty() ? "" : " ";
    for (size_t k = run.first; k < run.first + run.count; ++k)
      text += std::to_string(k);
  }
  return text;
}

// A product, a softmax without its division, and a second product: row i of each needs row i of those before.
const char *const kRows = R"(
  input %x : f32[12,12]
  input %w : f32[12,12]
  kernel 0 {
    %0 = contract %x, %w {indices="ij,jk->ik"}
  }
  kernel 1 {
    %1 = max %0 {axes=[1]}
  }
  kernel 2 {
    %2 = exp %0
  }
  kernel 3 {
    %3 = contract %2, %w {indices="ij,jk->ik"}
  }
  return %0 as x
  return %1 as peaks
  return %3 as y
)";

// Two kernels that have nothing to do with each other; the second is two loop nests in one over its rows.
const char *const kApart = R"(
  input %x : f32[12,8]
  input %v : f32[5,8]
  kernel 0 {
    %0 = exp %x
  }
  kernel 1 {
    %1 = max %v {axes=[1]}
    %2 = reshape %1 : f32[5,1]
    %3 = sub %v, %2
  }
  return %0 as y
  return %3 as z
)";

// What rows meet is known only when it runs.
const char *const kScatter = R"(
  input %x : f32[12,8]
  input %n : i32[12]
  input %t : f32[40,8]
  kernel 0 {
    %0 = exp %x
  }
  kernel 1 {
    %1 = scatter_add %t, %n, %x
  }
  kernel 2 {
    %2 = neg %x
  }
  return %0 as y
  return %1 as z
  return %2 as u
)";

/// A kernel that hands its result, f32[12,12], to a second one.
std::string handed_to(const std::string &second, const std::string &between = "") {
  return R"(
  input %x : f32[12,12]
  input %w : f32[12,12]
  kernel 0 {
    %0 = exp %x
  }
  )" + between + R"(
  kernel 1 {
    %1 = )" + second + R"(
  }
  return %1 as y
)";
}

/// %2 takes the bytes of %0, unless %0 is read again.
std::string reusing(const std::string &last) {
  return R"(
  input %x : f32[60,12]
  input %w : f32[12,12]
  kernel 0 {
    %0 = contract %x, %w {indices="ij,jk->ik"}
  }
  kernel 1 {
    %1 = contract %0, %w {indices="ij,jk->ik"}
  }
  kernel 2 {
    %2 = contract %1, %w {indices="ij,jk->ik"}
  }
  kernel 3 {
    %3 = contract %2, )" + last + R"( {indices="ij,ij->i"}
  }
  return %3 as y
)";
}

} // namespace

TEST_CASE("kernels that hand rows to each other share a fork where they cut rows alike", "[runs]") {
  CHECK(runs(kRows, {{"i"}, {"i"}, {"i"}, {"i"}}) == "0123");
  CHECK(runs(kRows, {{"i", 5}, {"i", 5}, {"i", 5}, {"i", 5}}) == "0123");
  CHECK(runs(kRows, {{"i", 5}, {"i", 5}, {"i", 4}, {"i", 4}}) == "01 23");
  CHECK(runs(kRows, {{"i"}, {"i"}, {"i"}, {"j"}}) == "012 3"); // whole rows for some columns of the product
}

TEST_CASE("a kernel shares a fork with what it does not depend on, however it is cut", "[runs]") {
  CHECK(runs(kApart, {{"i"}, {"i"}}) == "01");
  CHECK(runs(kApart, {{"j", 3}, {"i", 2}}) == "01");
  CHECK(runs_of(kApart, {{"j", 2}, {"i", 2}}, 1)[0].iterations == 4);
  CHECK(runs_of(kApart, {{"j", 4}, {"i", 2}}, 1)[0].iterations == 3);
}

TEST_CASE("a kernel waits for one whose result it needs from other shares", "[runs]") {
  const auto rows = [](const std::string &second) { return runs(handed_to(second), {{"i"}, {"i"}}); };
  CHECK(rows("contract %0, %w {indices=\"ij,jk->ik\"}") == "01");
  CHECK(rows("contract %w, %0 {indices=\"ij,jk->ik\"}") == "0 1"); // all of it
  CHECK(rows("contract %0, %w {indices=\"ij,jk->ki\"}") == "0 1");
  CHECK(runs(handed_to("contract %0, %w {indices=\"ij,jk->ki\"}"), {{"i"}, {"j"}}) == "01");
  CHECK(rows("contract %0, %w {indices=\"ji,jk->ik\"}") == "0 1"); // across
  CHECK(rows("contract %0, %0 {indices=\"ij,jk->ik\"}") == "0 1"); // both ways
  CHECK(rows("sum %0 {axes=[0]}") == "0 1");
  CHECK(rows("sum %0 {axes=[1]}") == "01");
  CHECK(rows("slice %0 {starts=[1, 0], limits=[12, 12], strides=[1, 1]}") == "0 1"); // beside
  CHECK(rows("slice %0 {starts=[0, 0], limits=[6, 12], strides=[2, 1]}") == "0 1");
  CHECK(rows("slice %0 {starts=[0, 0], limits=[6, 12], strides=[1, 1]}") == "0 1"); // shares of half the rows
  CHECK(runs(handed_to("gather %0, %n", "input %n : i32[12]"), {{"i"}, {"i"}}) == "0 1");
  CHECK(rows("pad %0 {low=[0, 1], high=[0, 0], value=0}") == "0 1");
  CHECK(runs(handed_to("sum %0 {axes=[0]}"), {{"j", 4}, {"i", 4}}) == "01");
}

TEST_CASE("a kernel that packs all columns waits for all, though it shares them out", "[runs]") {
  const std::string text = handed_to("contract %w, %0 {indices=\"ij,jk->ik\"}");
  CHECK(runs(text, {{"j", 4}, {"j", 4}}) == "01");
  CHECK(runs(text, {{"j", 4}, {"j", 4, true}}) == "0 1");
}

TEST_CASE("a kernel waits for one that used its bytes for another value", "[runs]") {
  const std::vector<Cut> rows(4, Cut{"i"});
  CHECK(runs(reusing("%0"), rows) == "0123");
  CHECK(runs(reusing("%x"), rows) == "01 23");
  const std::string in_place = R"(
  input %x : f32[12,12]
  kernel 0 {
    %0 = exp %x
  }
  kernel 1 {
    %1 = neg %0
  }
  kernel 2 {
    %2 = sum %1 {axes=[1]}
  }
  return %2 as y
)";
  CHECK(runs(in_place, {{"i"}, {"i"}, {"i"}}) == "0 12");
}

TEST_CASE("a view is the value that it views, in another shape", "[runs]") {
  CHECK(runs(handed_to("exp %v", "%v = reshape %0 : f32[12,3,4]"), {{"i"}, {"i"}}) == "0 1");
}

TEST_CASE("state that is updated in place is waited for", "[runs]") {
  const char *const text = R"(
  param %p : f32[12,12]
  param %q : f32[12,12]
  kernel 0 {
    %0 = contract %p, %q {indices="ij,kj->ik"}
  }
  kernel 1 {
    %1 = add %p, %p
  }
  kernel 2 {
    %2 = add %q, %q
  }
  return %0 as y
  update %p = %1
  update %q = %2
)";
  CHECK(runs(text, {{"i"}, {"i"}, {"i"}}) == "0 12");
}

TEST_CASE("kernels that threads do not share out are runs of their own", "[runs]") {
  CHECK(runs(kApart, {{"none"}, {"i"}}) == "0 1");
  CHECK(runs(kApart, {{"i"}, {"none"}}) == "0 1");
  CHECK(runs(kScatter, {{"i"}, {"i"}, {"i"}}) == "0 1 2");
  CHECK_FALSE(runs_of(kApart, {{"none"}, {"none"}}, 1000000)[0].forks);
}

TEST_CASE("waking threads must be worth it for a run as a whole", "[runs]") {
  const std::vector<Cut> rows(4, Cut{"i"});
  CHECK(runs_of(kRows, rows, 10000)[0].forks);
  CHECK_FALSE(runs_of(kRows, rows, 9999)[0].forks);
  CHECK_FALSE(runs_of(kRows, rows, 10000, true)[0].forks);
  CHECK(runs_of(kRows, rows, 40000, true).size() == 4);
}

// Cut by the scheduler. What was not written yet is NaN in these arenas, so that a kernel that does not wait shows.
TEST_CASE("a run computes the bits of its kernels one by one, with any number of threads", "[runs]") {
  std::vector<Graph> graphs;
  for (const std::string &text : {std::string(kApart), reusing("%0"), reusing("%x")})
    graphs.push_back(parse_graph("graph {\n" + text + "}\n"));
  const CompiledGraphs one_by_one = CompiledGraphs::jit(graphs), compiled = CompiledGraphs::jit(graphs, "native", "fork=1");
  for (size_t i = 0; i < compiled.size(); ++i) {
    const Graph &graph = compiled.graph(i);
    const Target target = parse_target("native");
    const std::vector<LoweredKernel> kernels = called_kernels(graph);
    std::vector<LoopSchedule> schedules;
    for (const LoweredKernel &k : kernels)
      schedules.push_back(schedule_loops(k.kernel, target));
    CHECK(parallel_runs(graph, kernels, schedules, target)[0].count >= 2);
    Bindings bindings = random_bindings(graph, i);
    const std::vector<Tensor> one = one_by_one.run(i, bindings);
    for (int threads : {1, 2, 3, 7})
      for (int repetition = 0; repetition < 20; ++repetition) {
        const std::vector<Tensor> several = compiled.run(i, bindings, threads);
        for (size_t r = 0; r < one.size(); ++r)
          CHECK(several[r].to_bytes() == one[r].to_bytes());
      }
  }
}
