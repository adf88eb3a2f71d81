// Any text as a graph: an error inside the text, or a graph that prints and reads back to itself at every stage of the
// pipeline and stays well formed.
#include "ir/lowering/lower.h"
#include "ir/text/text.h"
#include "ir/verifier.h"
#include "passes/runner.h"

#include <cstdint>

using namespace gradc;

static void check_round_trip(const Graph &graph) {
  const std::string text = print(graph);
  if (print(parse_graph(text)) != text)
    __builtin_trap();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  Graph graph;
  try {
    graph = parse_graph(text);
  } catch (const TextError &e) {
    if (e.offset > size)
      __builtin_trap();
    return 0;
  }
  check_round_trip(graph);
  if (!problems_of(graph).empty())
    return 0;
  for (const Pass &pass : pipeline()) {
    pass.run(graph, {});
    verify(graph);
    check_round_trip(graph);
  }
  return 0;
}
