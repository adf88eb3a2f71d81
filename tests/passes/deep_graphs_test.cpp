// Nothing recurses over the length of a graph, and nothing takes time that grows faster than it.
#include "ir/interpreter.h"
#include "ir/lowering/lower.h"
#include "ir/text/text.h"
#include "ir/verifier.h"
#include "passes/equivalence.h"
#include "passes/runner.h"

#include <catch2/catch.hpp>

#include <functional>
#include <pthread.h>

namespace gradc {
namespace {

// Runs `work` on a stack of so many bytes.
void on_stack(size_t bytes, std::function<void()> work) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, bytes) == 0);
  auto run = [](void *what) -> void * {
    (*static_cast<std::function<void()> *>(what))();
    return nullptr;
  };
  pthread_t thread;
  REQUIRE(pthread_create(&thread, &attributes, run, &work) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

std::string chain(int nodes) {
  std::string text = "graph {\n  input %x : f32[8,8]\n  param %w : f32[8,8]\n  %0 = mul %x, %w : f32[8,8]\n";
  for (int i = 1; i < nodes; ++i) {
    const std::string before = "%" + std::to_string(i - 1);
    text += "  %" + std::to_string(i) + " = " + (i % 3 == 0 ? "tanh " + before : (i % 3 == 1 ? "add " : "mul ") + before + ", %x") +
            " : f32[8,8]\n";
  }
  return text + "  return %" + std::to_string(nodes - 1) + " as y\n}\n";
}

// Depth that is bounded, by the nodes of one kernel, takes some of the stack; depth of 20000 would take far more of it. Frames
// under the address sanitizer are many times as large.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t kSmallStack = 8 << 20;
#else
constexpr size_t kSmallStack = 512 << 10;
#endif

TEST_CASE("a chain of 20000 nodes goes through the pipeline on a small stack", "[deep]") {
  std::string difference = "not run", problems;
  on_stack(kSmallStack, [&]() noexcept {
    const Graph graph = parse_graph(chain(20000));
    Graph planned = graph;
    run_passes(planned, {});
    for (const std::string &problem : problems_of(planned))
      problems += problem + "\n";
    const Graph again = parse_graph(print(planned));
    difference = find_difference(graph, again).value_or("");
    for (const LoweredKernel &lowered : lower_kernels(again))
      parse_kernel(print(lowered.kernel));
  });
  CHECK(problems == "");
  CHECK(difference == "");
}

TEST_CASE("values that are used twice, forty times over, are looked at once each", "[deep]") {
  std::string text = "graph {\n  input %x : f32[4,4]\n  %0 = tanh %x : f32[4,4]\n";
  for (int i = 1; i < 80; i += 2) {
    const std::string before = "%" + std::to_string(i - 1);
    text += "  %" + std::to_string(i) + " = tanh " + before + " : f32[4,4]\n  %" + std::to_string(i + 1) + " = add " + before +
            ", %" + std::to_string(i) + " : f32[4,4]\n";
  }
  text += "  %81 = sum %80 {axes=[0]} : f32[4]\n  return %80 as y\n  return %81 as s\n}\n";
  Graph graph = parse_graph(text);
  const Graph before = graph;
  run_passes(graph, {});
  CHECK(graph.kernel_count() <= 2);
  CHECK(find_difference(before, graph).value_or("") == "");
}

} // namespace
} // namespace gradc
