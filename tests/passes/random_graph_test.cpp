// Random training graphs through every prefix of the pipeline: each stage is well formed, reads back from its text, and
// computes what the first one does. GRADC_RANDOM_GRAPHS sets how many.
#include "ir/text/text.h"
#include "ir/verifier.h"
#include "passes/equivalence.h"
#include "passes/runner.h"
#include "tests/support/difference.h"
#include "tests/support/random_graph.h"

#include <catch2/catch.hpp>

#include <cstdlib>

using namespace gradc;
using namespace gradc::tests;

namespace {

constexpr int kMaxFaults = 3; // shown; more of them say no more

uint64_t graph_count() {
  const char *count = std::getenv("GRADC_RANDOM_GRAPHS");
  return count ? std::strtoull(count, nullptr, 10) : 2000;
}

/// What one stage does wrong; empty when nothing.
std::string fault_of(const Graph &graph, const Bindings &bindings, const Outcome &expected) {
  std::string fault;
  for (const std::string &problem : problems_of(graph))
    fault += problem + "\n";
  if (!fault.empty())
    return fault;
  const std::string text = print(graph);
  if (print(parse_graph(text)) != text)
    return "the text does not read back to the same graph";
  return find_difference(graph, expected, interpret_widely(graph, bindings)).value_or("");
}

bool keeps_every_prefix(Graph graph, uint64_t seed) {
  const Bindings bindings = random_bindings(graph, seed);
  const Outcome expected = interpret_widely(graph, bindings);
  for (const Pass &pass : pipeline()) {
    const Graph before = graph;
    PassOptions options;
    if (pass.name == "recompute" && seed % 2 == 1)
      options.target.l1_bytes = 64; // so that values of these sizes count as large
    pass.run(graph, options);
    const std::string fault = fault_of(graph, bindings, expected);
    if (!fault.empty()) {
      FAIL_CHECK("pass '" << pass.name << "': " << fault << "\nin the graph of seed " << seed << "\n" << print(before)
                          << "which becomes\n" << print(graph));
      return false;
    }
  }
  return true;
}

} // namespace

TEST_CASE("random graphs are well formed and finite") {
  for (uint64_t seed = 0; seed < graph_count(); ++seed) {
    const Graph graph = random_graph(seed);
    INFO("the graph of seed " << seed << "\n" << print(graph));
    const Bindings bindings = random_bindings(graph, seed);
    const std::string fault = fault_of(graph, bindings, interpret_widely(graph, bindings));
    REQUIRE(fault == "");
  }
}

TEST_CASE("every prefix of the pipeline keeps the meaning of random graphs") {
  int faults = 0;
  for (uint64_t seed = 0; seed < graph_count() && faults < kMaxFaults; ++seed)
    faults += !keeps_every_prefix(random_graph(seed), seed);
}

TEST_CASE("a second run of any pass over random graphs finds nothing to do") {
  for (uint64_t seed = 0; seed < graph_count(); seed += 10) {
    Graph graph = random_graph(seed);
    for (const Pass &pass : pipeline()) {
      pass.run(graph, {});
      const std::string once = print(graph);
      const bool changed = pass.run(graph, {});
      if (!changed && print(graph) == once)
        continue;
      FAIL("pass '" << pass.name << "' is not idempotent: a second run " << (changed ? "says that it" : "silently")
                    << " changed the graph of seed " << seed << "\n" << text_difference(once, print(graph)) << once);
    }
  }
}
