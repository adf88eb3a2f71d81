#include "tests/compiled_engine.h"

#include "compiler/aot.h"
#include "compiler/jit.h"
#include "compiler/shared_model.h"
#include "passes/fuse.h"
#include "passes/plan.h"
#include "passes/schedule.h"

#include <cstring>
#include <unistd.h>

namespace gradc::tests {
namespace {

// Memory aligned as arenas must be.
class Block {
public:
  explicit Block(int64_t bytes) : storage_(static_cast<size_t>(bytes + 64)) {
    size_t odd = reinterpret_cast<uintptr_t>(storage_.data()) % 64;
    start_ = storage_.data() + (odd ? 64 - odd : 0);
  }
  std::byte *data() { return start_; }

private:
  std::vector<std::byte> storage_;
  std::byte *start_;
};

bool is_call_field(const std::string &name) { return name == "seed" || name == "step" || name == "total_steps"; }

} // namespace

ModelSpec wrap_graph(Graph graph) {
  if (graph.kernel_count() == 0)
    fuse(graph);
  if (!graph.plan) {
    schedule(graph);
    plan(graph);
  }
  ModelSpec spec{.name = "test", .signature = "{}", .hypers = {}, .entries = {}};
  for (const Node &node : graph.nodes)
    if (node.role == Role::scalar && !is_call_field(node.name))
      spec.hypers.emplace_back(node.name, 0.0);
  spec.entries.push_back({"run", 0, std::move(graph)});
  return spec;
}

std::vector<Tensor> run_table(const gradc_model &table, const Graph &graph, Bindings &bindings, int threads) {
  const gradc_entry &entry = table.entries[0];
  std::vector<Block> arenas;
  for (int a = 0; a < GRADC_ARENAS; ++a)
    arenas.emplace_back(table.arena_bytes[a] + 64);
  gradc_call call{};
  call.struct_size = sizeof call;
  for (int a = 0; a < GRADC_ARENAS; ++a)
    call.arenas[a] = arenas[static_cast<size_t>(a)].data();
  std::vector<std::vector<std::byte>> inputs;
  std::vector<double> hypers;
  for (const Node &node : graph.nodes) {
    if (!node.is_declaration())
      continue;
    const Tensor &value = bindings.at(node.name);
    if (node.role == Role::input)
      inputs.push_back(value.to_bytes());
    else if (node.role == Role::scalar && !is_call_field(node.name))
      hypers.push_back(value.number(0));
    else if (node.name == "seed" && node.role == Role::scalar)
      call.seed = value.integers[0];
    else if (node.name == "step" && node.role == Role::scalar)
      call.step = value.integers[0];
    else if (node.name == "total_steps" && node.role == Role::scalar)
      call.total_steps = value.integers[0];
  }
  auto each_state = [&](auto visit) {
    for (int32_t i = 0; i < table.tensor_count; ++i) {
      const gradc_tensor &t = table.tensors[i];
      visit(bindings.at(t.name), arenas[static_cast<size_t>(t.arena)].data() + t.offset);
    }
  };
  each_state([](const Tensor &tensor, std::byte *at) {
    std::vector<std::byte> bytes = tensor.to_bytes();
    std::copy(bytes.begin(), bytes.end(), at);
  });
  std::vector<const void *> input_pointers;
  for (const auto &bytes : inputs)
    input_pointers.push_back(bytes.data());
  std::vector<Block> outputs;
  std::vector<void *> output_pointers;
  for (const Return &r : graph.returns) {
    outputs.emplace_back(graph.type(r.value).bytes());
    output_pointers.push_back(outputs.back().data());
  }
  call.inputs = input_pointers.data();
  call.outputs = output_pointers.data();
  call.hypers = hypers.data();
  call.team = table.team_create(threads);
  int32_t status = entry.run(&entry, &call);
  table.team_destroy(call.team);
  if (status != GRADC_OK)
    throw std::runtime_error(table.status_message(status));
  each_state([](Tensor &tensor, const std::byte *at) { tensor = Tensor::from_bytes(tensor.type, at); });
  std::vector<Tensor> results;
  for (size_t i = 0; i < graph.returns.size(); ++i)
    results.push_back(Tensor::from_bytes(graph.type(graph.returns[i].value), output_pointers[i]));
  return results;
}

std::vector<Tensor> run_jit(const Graph &graph, Bindings &bindings, const char *target, int threads) {
  ModelSpec spec = wrap_graph(graph);
  CodegenOptions options;
  options.target = parse_target(target);
  JitModel jit(spec, options);
  return run_table(*jit.table(), spec.entries[0].graph, bindings, threads);
}

std::vector<Tensor> run_aot(const Graph &graph, Bindings &bindings) {
  ModelSpec spec = wrap_graph(graph);
  CodegenOptions options;
  options.target = host_target();
  char folder[] = "/tmp/gradc-aot-XXXXXX";
  if (!mkdtemp(folder))
    throw std::runtime_error("no temporary folder");
  std::string path = std::string(folder) + "/test.so";
  write_shared_object(spec, options, path);
  SharedModel model(path);
  unlink(path.c_str());
  rmdir(folder);
  return run_table(*model.table(), spec.entries[0].graph, bindings);
}

} // namespace gradc::tests
