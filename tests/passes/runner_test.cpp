// The runner: names the guilty pass, refuses unknown names, and keeps the books in the order of the pipeline.
#include "passes/runner.h"

#include "ir/text/text.h"

#include <catch2/catch.hpp>

using namespace gradc;

namespace {

const char *const kText = "graph @g {\n  param %x : f32[3]\n  %0 = tanh %x : f32[3]\n  %1 = neg %0 : f32[3]\n"
                          "  return %1 as y\n}\n";

bool keep(Graph &, const PassOptions &) { return false; }
bool drop_negation(Graph &graph, const PassOptions &) {
  graph.returns[0].value = 1;
  return true;
}
bool misorder(Graph &graph, const PassOptions &) {
  graph[1].inputs[0] = 2;
  return true;
}
bool give_up(Graph &, const PassOptions &) { throw Error("cannot go on"); }

/// What is said of the pipeline keep, guilty, keep.
std::string blame(bool (*guilty)(Graph &, const PassOptions &), const RunOptions &options) {
  const Pass passes[] = {{"before", "", keep}, {"guilty", "", guilty}, {"after", "", keep}};
  Graph graph = parse_graph(kText);
  try {
    run_passes(graph, passes, options);
  } catch (const PassFault &fault) {
    CHECK(fault.pass == "guilty");
    CHECK(fault.reproducer == print(parse_graph(kText)));
    return fault.what();
  }
  return "";
}

std::vector<std::string> names_run(const RunOptions &given) {
  std::vector<std::string> names;
  RunOptions options = given;
  options.on_time = [&](std::string_view pass, double seconds) {
    CHECK(seconds >= 0);
    names.emplace_back(pass);
  };
  Graph graph = parse_graph(kText);
  run_passes(graph, options);
  return names;
}

} // namespace

TEST_CASE("a pass that changes the meaning is named by semantic verification") {
  CHECK(blame(drop_negation, {}) == "");
  CHECK(blame(drop_negation, {.verify_semantic = true})
            .starts_with("pass 'guilty': changes what the graph computes: return 'y', element 0: "));
}

TEST_CASE("a pass that leaves a malformed graph is named by verification") {
  CHECK(blame(misorder, {.verify_each = true}).starts_with("pass 'guilty': "));
}

TEST_CASE("a pass that throws is named, whatever the options") {
  CHECK(blame(give_up, {}) == "pass 'guilty': cannot go on");
}

TEST_CASE("passes run in order, up to stop_after, without those skipped") {
  CHECK(names_run({.stop_after = "dce"}) == std::vector<std::string>{"fold", "simplify", "cse", "dce"});
  CHECK(names_run({.stop_after = "cse", .skip = {"simplify"}}) == std::vector<std::string>{"fold", "cse"});
  CHECK(names_run({.stop_after = "fold", .skip = {"fold"}}).empty());
}

TEST_CASE("graphs are printed after the passes asked for") {
  std::vector<std::string> titles;
  Graph graph = parse_graph(kText);
  run_passes(graph, {.print_after = {"fold", "dce"}, .stop_after = "dce",
                     .on_print = [&](std::string_view title, const std::string &text) {
                       titles.emplace_back(title);
                       CHECK(print(parse_graph(text)) == text);
                     }});
  CHECK(titles == std::vector<std::string>{"after fold", "after dce"});
}

TEST_CASE("an option that names no pass is the user's mistake") {
  Graph graph = parse_graph(kText);
  try {
    run_passes(graph, {.skip = {"simplfy"}});
    FAIL("ran");
  } catch (const Error &e) {
    CHECK(std::string(e.what()).starts_with("unknown pass 'simplfy'; did you mean 'simplify'? (the passes are fold, "));
  }
}
