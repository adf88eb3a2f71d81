// Runs passes and keeps the books: passes themselves never print, time or verify.
#pragma once

#include "ir/error.h"
#include "passes/pipeline.h"

#include <functional>

namespace gradc {

/// A pass threw, left a malformed graph, or changed what the graph computes. `reproducer` is the text of the graph the
/// pass was given.
struct PassFault : InternalFault {
  PassFault(std::string_view pass, const std::string &what, std::string reproducer)
      : InternalFault("pass '" + std::string(pass) + "': " + what), pass(pass), reproducer(std::move(reproducer)) {}
  std::string pass;
  std::string reproducer;
};

struct RunOptions {
  bool verify_each = false;     // check the graph before the first pass and after each
  bool verify_semantic = false; // also run the interpreter before and after each, on equal random data
  std::vector<std::string> print_after = {};
  bool print_after_all = false;
  std::string stop_after = {}; // the last pass to run; empty: all
  std::vector<std::string> skip = {};
  PassOptions pass = {};
  std::function<void(std::string_view pass, double seconds)> on_time = {};
  std::function<void(std::string_view title, const std::string &text)> on_print = {};

  /// Whether all passes run and nothing but the graph they leave is asked for, so that it may as well be known from before.
  bool only_result() const {
    return !verify_each && !verify_semantic && !print_after_all && print_after.empty() && stop_after.empty() && skip.empty();
  }
};

/// Runs `passes` in order. Throws Error when an option names none of them or when a pass needs another that has not run, and
/// PassFault, naming the first pass that went wrong, whatever the cause.
void run_passes(Graph &, std::span<const Pass> passes, const RunOptions &);
/// Runs the whole pipeline.
void run_passes(Graph &, const RunOptions &);

} // namespace gradc
