// The only place that knows which pass is at work, so the only one that prints, times, verifies and lays blame.
#include "passes/runner.h"

#include "ir/suggest.h"
#include "ir/text/text.h"
#include "ir/verifier.h"
#include "passes/equivalence.h"

#include <algorithm>
#include <chrono>

namespace gradc {
namespace {

bool contains(const std::vector<std::string> &list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

void check_name(std::span<const Pass> passes, const std::string &name) {
  std::vector<std::string_view> known;
  std::string list;
  for (const Pass &pass : passes) {
    known.push_back(pass.name);
    list += (list.empty() ? "" : ", ") + std::string(pass.name);
  }
  if (std::find(known.begin(), known.end(), name) == known.end())
    throw Error("unknown pass '" + name + "'" + did_you_mean(name, known) + " (the passes are " + list + ")");
}

void check_names(std::span<const Pass> passes, const RunOptions &options) {
  for (const std::string &name : options.print_after)
    check_name(passes, name);
  for (const std::string &name : options.skip)
    check_name(passes, name);
  if (!options.stop_after.empty())
    check_name(passes, options.stop_after);
}

/// Runs one pass; returns the seconds it took.
double run_timed(const Pass &pass, Graph &graph, const PassOptions &options) {
  const auto start = std::chrono::steady_clock::now();
  pass.run(graph, options);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void check(const Graph &before, const Graph &after, const RunOptions &options) {
  if (options.verify_each || options.verify_semantic)
    verify(after);
  if (options.verify_semantic)
    if (const auto difference = find_difference(before, after))
      throw InternalFault("changes what the graph computes: " + *difference);
}

void run_pass(const Pass &pass, Graph &graph, const RunOptions &options) {
  require(graph, pass.needs, "the pass '" + std::string(pass.name) + "'");
  const Graph before = graph;
  double seconds = 0;
  try {
    seconds = run_timed(pass, graph, options.pass);
    check(before, graph, options);
  } catch (const std::exception &e) {
    throw PassFault(pass.name, e.what(), print(before));
  }
  if (options.on_time)
    options.on_time(pass.name, seconds);
  if (options.on_print && (options.print_after_all || contains(options.print_after, pass.name)))
    options.on_print("after " + std::string(pass.name), print(graph));
}

} // namespace

void run_passes(Graph &graph, std::span<const Pass> passes, const RunOptions &options) {
  check_names(passes, options);
  if (options.verify_each || options.verify_semantic)
    verify(graph);
  for (const Pass &pass : passes) {
    if (!contains(options.skip, pass.name))
      run_pass(pass, graph, options);
    if (pass.name == options.stop_after)
      return;
  }
}

void run_passes(Graph &graph, const RunOptions &options) { run_passes(graph, pipeline(), options); }

} // namespace gradc
