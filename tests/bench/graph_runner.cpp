#include "tests/bench/graph_runner.h"

#include "ir/text/text.h"
#include "passes/runner.h"

#include <cstdlib>
#include <cstring>

namespace gradc::bench {

GraphRunner::GraphRunner(const std::string &text, int threads) {
  Graph graph = parse_graph(text);
  run_passes(graph, {});
  ModelSpec spec;
  spec.name = "bench", spec.signature = "{}";
  spec.entries.push_back({"run", 0, std::move(graph)});
  CodegenOptions options;
  options.target = host_target();
  if (const char *wish = std::getenv("GRADC_BENCH_SCHEDULE"))
    options.target.schedule = parse_schedule_override(wish);
  jit_ = std::make_unique<JitModel>(spec, options);
  const gradc_model &table = *jit_->table();
  auto block = [&](int64_t bytes) {
    void *memory = table.memory_create(bytes);
    std::memset(memory, 0, static_cast<size_t>(bytes)); // pages that nobody wrote are all one
    blocks_.emplace_back(memory, bytes);
    return memory;
  };
  entry_ = gradc_entry_at(&table, 0);
  call_.struct_size = sizeof call_;
  call_.team = table.team_create(threads);
  for (int32_t a = 0; a < table.arena_count; ++a)
    arenas_.push_back(block(gradc_arena_bytes(gradc_arena_at(&table, a), table.team_threads(call_.team))));
  call_.arenas = arenas_.data();
  call_.arena_count = table.arena_count;
  const Graph &built = spec.entries[0].graph;
  auto tensor = [&](const std::string &name, const Type &type) { return Tensor{name, block(type.bytes()), type.bytes()}; };
  for (const Node &node : built.nodes)
    if (node.role == Role::input)
      input_data_.push_back(inputs_.emplace_back(tensor(node.name, node.type)).data);
  for (const Return &r : built.returns)
    output_data_.push_back(outputs_.emplace_back(tensor(r.name, built.type(r.value))).data);
  call_.inputs = input_data_.data();
  call_.outputs = output_data_.data();
}

GraphRunner::~GraphRunner() {
  jit_->table()->team_destroy(call_.team);
  for (auto [memory, bytes] : blocks_)
    jit_->table()->memory_destroy(memory, bytes);
}

} // namespace gradc::bench
