// Passes left out, in many combinations: a graph goes on as far as it can, and what needs a pass that is missing says so.
#include "ir/interpreter.h"
#include "ir/lowering/lower.h"
#include "ir/verifier.h"
#include "passes/equivalence.h"
#include "passes/fuse.h"
#include "passes/runner.h"
#include "tests/support/random_graph.h"

#include <catch2/catch.hpp>

#include <bit>

using namespace gradc;
using namespace gradc::tests;

namespace {

/// Sets of passes, as bits: those that leave out at most two, and those of at most two.
std::vector<size_t> choices() {
  std::vector<size_t> sets;
  const auto all = static_cast<int>(pipeline().size());
  for (size_t chosen = 0; chosen < size_t{1} << all; ++chosen)
    if (const int count = std::popcount(chosen); count <= 2 || count >= all - 2)
      sets.push_back(chosen);
  return sets;
}

/// The passes whose bits are set in `chosen`, in the order of the pipeline.
std::vector<Pass> subset(size_t chosen) {
  std::vector<Pass> passes;
  for (size_t i = 0; i < pipeline().size(); ++i)
    if (chosen >> i & 1)
      passes.push_back(pipeline()[i]);
  return passes;
}

/// What `work` refuses; empty when it goes through. Anything else than an Error fails the test.
template <typename Work> std::string refusal(Work work) {
  try {
    work();
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

std::string order_of(const std::vector<Pass> &passes) {
  std::string text;
  for (const Pass &pass : passes)
    text += " " + std::string(pass.name);
  return text;
}

/// Runs the passes in this order and checks that those go through whose needs are met, and no others.
void check_order(const Graph &given, const std::vector<Pass> &passes) {
  INFO("passes:" << order_of(passes));
  Graph graph = given;
  bool fused = false;
  for (const Pass &pass : passes) {
    fused |= pass.name == "fuse";
    const std::string said = refusal([&] { run_passes(graph, std::span(&pass, 1), {.verify_each = true}); });
    if (pass.needs == Milestone::none || fused) {
      CHECK(said == "");
      continue;
    }
    CHECK(said.starts_with("the pass '" + std::string(pass.name) + "' needs every value in a kernel"));
    CHECK(said.find("the pass 'fuse' has not run") != std::string::npos);
    return;
  }
  CHECK(refusal([&] { require(graph, Milestone::fused, "this"); }).empty() == fused);
  const std::string plan = refusal([&] { require(graph, Milestone::planned, "code"); });
  CHECK(plan.empty() == graph.plan.has_value());
  if (fused && !plan.empty())
    CHECK(plan.starts_with("code needs a planned graph: the pass 'plan' has not run"));
  if (fused)
    CHECK_NOTHROW(lower_kernels(graph));
  CHECK_NOTHROW(kernels_apart(graph));
}

} // namespace

TEST_CASE("any passes may be left out", "[passes]") {
  for (size_t chosen : choices())
    check_order(random_graph(1 + chosen % 3), subset(chosen));
}

TEST_CASE("passes may run in any order", "[passes]") {
  const std::span<const Pass> all = pipeline();
  for (size_t a = 0; a < all.size(); ++a)
    for (size_t b = 0; b < all.size(); ++b)
      for (size_t c : {a, (a + b) % all.size(), all.size() - 1})
        check_order(random_graph(4 + (a + b) % 2), {all[a], all[b], all[c]});
}

TEST_CASE("what is computed without some passes is the same", "[passes]") {
  for (size_t chosen : choices()) {
    const Graph graph = random_graph(6);
    Graph changed = graph;
    const std::vector<Pass> passes = subset(chosen);
    INFO("passes:" << order_of(passes));
    if (refusal([&] { run_passes(changed, passes, {}); }).empty())
      CHECK(find_difference(graph, changed).value_or("") == "");
  }
}
